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

	events := client.Events(ctx, rockqueue.EventOptions{Queues: []string{"mail"}, FromBeginning: true})
	for event, err := range events {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Type, event.Name, event.Attempt)
		if event.Type == rockqueue.EventJobDead {
			break
		}
	}
	queue, err := client.Queues().Get(ctx, "mail")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("waiting:", queue.Counts.Waiting, "completed:", queue.Counts.Completed)
}
