package jobs_test

import (
	"testing"
	"time"

	"mail/jobs"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuetest"
)

func TestItIsSentTomorrow(t *testing.T) {
	server := rockqueuetest.NewServer(t)
	client := server.Client(rockqueue.Config{})
	_, err := client.Push(t.Context(), jobs.WelcomeEmail{To: "ada@example.com"}, &rockqueue.PushOptions{
		Delay: 24 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Advance(24 * time.Hour)
	waiting := rockqueue.JobFilter{State: rockqueue.JobWaiting}
	job := rockqueuetest.RequirePushed[jobs.WelcomeEmail](t.Context(), t, client, waiting)

	worked := rockqueuetest.Work(t.Context(), t, &jobs.WelcomeWorker{}, job.Args, nil)
	if worked.Outcome != rockqueuetest.Completed {
		t.Fatal(worked.Err)
	}
}
