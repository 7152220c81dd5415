package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"mail/jobs"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

func main() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{URL: jobs.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Name: "mailer", StuckAfter: new(time.Minute)})
	rockqueue.AddWorker(workers, &jobs.WelcomeWorker{})
	if err := workers.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer workers.Stop(ctx)

	joined := rockqueue.EventOptions{Types: []rockqueue.EventType{rockqueue.EventWorkerJoined}, FromBeginning: true}
	for event, err := range client.Events(ctx, joined) {
		if err != nil {
			log.Fatal(err)
		}
		if event.Worker == "mailer" {
			break
		}
	}
	for worker, err := range client.ListWorkers(ctx, "mail") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(worker.Name, worker.State, worker.Client, "stuck:", worker.StuckJobIDs)
	}
}
