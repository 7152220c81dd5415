package main

import (
	"context"
	"fmt"
	"log"

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

	dead := rockqueue.JobFilter{Queue: "mail", State: rockqueue.JobDead}
	for job, err := range client.List(ctx, dead, &rockqueue.ListOptions{IncludePayload: true}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("dead: %s %s %s\n", job.Payload, job.DeadReason, job.Errors[len(job.Errors)-1].Err.Message)
	}
	putBack, err := client.RetryAll(ctx, dead, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("put back:", putBack)
}
