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

	// 100 mails a minute, and one at a time for each customer, in order.
	_, err = client.Queues().Update(ctx, "mail", rockqueue.QueueSettings{
		Rate: &rockqueue.RateLimit{Count: 100, Period: time.Minute}, GroupMaxActive: new(int32(1)),
	})
	if err != nil {
		log.Fatal(err)
	}
	// This one has paid for three mails where others get one.
	_, err = client.Queues().UpdateGroup(ctx, "mail", "acme", rockqueue.GroupSettings{Weight: new(int32(3))})
	if err != nil {
		log.Fatal(err)
	}
	job, err := client.Push(ctx, jobs.WelcomeEmail{To: "wile@acme.example"}, &rockqueue.PushOptions{Group: "acme"})
	if err != nil {
		log.Fatal(err)
	}
	explained, err := client.Explain(ctx, job.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("why it waits:", explained.Reasons[0].Kind, explained.Reasons[0].Message)
}
