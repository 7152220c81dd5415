package main

import (
	"context"
	"fmt"
	"log"

	"mail/jobs"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/otelrockqueue"
)

func main() {
	client, err := rockqueue.NewClient(rockqueue.Config{
		URL:            jobs.URL,
		PushMiddleware: []rockqueue.PushMiddleware{otelrockqueue.PushMiddleware(otelrockqueue.Config{})},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	job, err := client.Push(context.Background(), jobs.WelcomeEmail{To: "ada@example.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("pushed", job.ID)
}
