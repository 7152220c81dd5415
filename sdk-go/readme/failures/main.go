package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"mail/jobs"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

func main() {
	client, err := rockqueue.NewClient(rockqueue.Config{URL: jobs.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	once := &rockqueue.PushOptions{Unique: &rockqueue.Unique{Key: "welcome eve@example.com", OnConflict: rockqueue.Reject}}
	for range 2 {
		if _, err = client.Push(context.Background(), jobs.WelcomeEmail{To: "eve@example.com"}, once); err != nil {
			break
		}
	}
	failure, known := errors.AsType[*rockqueue.Error](err)
	switch {
	case errors.Is(err, rockqueue.ErrUniqueConflict):
		fmt.Println("refused:", failure.Reason, "held by", failure.Metadata["job_id"])
	case known:
		fmt.Println(failure.Code, failure, "- perhaps it happened:", failure.OutcomeUnknown)
	}
}
