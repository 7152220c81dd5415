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

	// In an hour, for one customer; not at all a day from now, and looked up for a week after that.
	later, err := client.Push(ctx, jobs.WelcomeEmail{To: "ada@example.com"}, &rockqueue.PushOptions{
		Delay: time.Hour, TTL: 24 * time.Hour, Retention: new(7 * 24 * time.Hour), Timeout: 30 * time.Second,
		Group: "customer-7", Tags: []string{"welcome"},
	})
	if err != nil {
		log.Fatal(err)
	}
	job, err := client.Get(ctx, later.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.State, "until", job.ReadyTime)

	// One at a time: the second push stores nothing, and gets the id of the first.
	once := &rockqueue.PushOptions{Unique: &rockqueue.Unique{Key: "welcome bob@example.com"}}
	first, err := client.Push(ctx, jobs.WelcomeEmail{To: "bob@example.com"}, once)
	if err != nil {
		log.Fatal(err)
	}
	second, err := client.Push(ctx, jobs.WelcomeEmail{To: "bob@example.com"}, once)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the same job:", second.ID == first.ID && second.Existing)
}
