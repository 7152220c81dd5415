package main

import (
	"context"
	"log"

	"mail/jobs"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

func main() {
	client, err := rockqueue.NewClient(rockqueue.Config{URL: jobs.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Concurrency: 20})
	rockqueue.AddWorker(workers, &jobs.WelcomeWorker{})
	if err := workers.Run(context.Background()); err != nil { // until SIGTERM or Ctrl-C
		log.Print(err)
	}
}
