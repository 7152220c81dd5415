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

	trial := &rockqueue.PushOptions{Tags: []string{"trial"}, Delay: time.Hour}
	_, err = client.PushMany(ctx, []rockqueue.NewJob{
		{Args: jobs.WelcomeEmail{To: "trial1@example.com"}, Options: trial},
		{Args: jobs.WelcomeEmail{To: "trial2@example.com"}, Options: trial},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}

	which := rockqueue.JobFilter{Queue: "mail", Tags: []string{"trial"}}
	wouldBe, err := client.CancelAll(ctx, which, &rockqueue.BulkOptions{DryRun: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("would be cancelled:", wouldBe)
	_, err = client.CancelAll(ctx, which, &rockqueue.BulkOptions{
		OnProgress: func(count int64) { fmt.Println("cancelled:", count) },
	})
	if err != nil {
		log.Fatal(err)
	}
	which.State = rockqueue.JobCancelled
	deleted, err := client.DeleteAll(ctx, which, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("deleted:", deleted)
}
