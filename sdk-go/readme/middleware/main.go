package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"mail/jobs"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

func timing(ctx context.Context, delivery *rockqueue.Delivery, next rockqueue.HandlerFunc) error {
	begun := time.Now()
	err := next(ctx, delivery)
	fmt.Printf("%s: attempt %d took %s\n", delivery.Kind, delivery.Attempt, time.Since(begun))
	return err
}

func main() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{URL: jobs.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Middleware: []rockqueue.WorkMiddleware{timing}})
	rockqueue.AddWorker(workers, &jobs.WelcomeWorker{})
	if err := workers.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer workers.Stop(ctx)

	job, err := client.Push(ctx, jobs.WelcomeEmail{To: "ada@example.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	result, err := rockqueue.Result[string](ctx, client, job.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result)
}
