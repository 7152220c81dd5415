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

	job, err := client.Push(ctx, jobs.WelcomeEmail{To: "ada@example.com", Name: "Ada"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("on disk:", job.ID)

	// Overtakes what waits, tries harder, and not before a second from now.
	_, err = client.Push(ctx, jobs.WelcomeEmail{To: "grace@example.com"}, &rockqueue.PushOptions{
		Priority: 10, MaxAttempts: 5, Delay: time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}

	// Many at once: all are stored, or none. NamedArgs are for a handler in another program or language.
	_, err = client.PushMany(ctx, []rockqueue.NewJob{
		{Args: jobs.WelcomeEmail{To: "user1@example.com"}},
		{Args: jobs.WelcomeEmail{To: "user2@example.com"}},
		{
			Args:    rockqueue.NamedArgs{Name: "welcome_email", Payload: map[string]string{"to": "nobody"}},
			Options: &rockqueue.PushOptions{Queue: "mail"},
		},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
}
