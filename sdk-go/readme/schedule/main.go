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

	schedule, err := client.Schedules().Put(ctx, rockqueue.NewSchedule{
		Name: "nightly", Cron: "30 1 * * *", TimeZone: "Europe/London", Overlap: rockqueue.OverlapSkip,
		Args: jobs.WelcomeEmail{To: "night@example.com", Name: "Owl"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("new:", schedule.Created, "next:", schedule.NextTime)

	// The night in which the clocks go forward: 01:30 does not exist, and comes once, after the gap.
	options := &rockqueue.PreviewOptions{After: time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC), Count: 2}
	slots, err := client.Schedules().Preview(ctx, "nightly", options)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(slots)
	triggered, err := client.Schedules().Trigger(ctx, "nightly") // once now, beside its slots
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("now:", triggered.JobID)
}
