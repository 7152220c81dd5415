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

	webhook, err := client.Webhooks().Put(ctx, rockqueue.NewWebhook{
		Name: "books", URL: "http://127.0.0.1:8080/hooks",
		Filter: rockqueue.EventFilter{Queues: []string{"mail"}, Types: []rockqueue.EventType{rockqueue.EventJobDead}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("give the receiver this secret, it is not shown again:", webhook.Secret)
}
