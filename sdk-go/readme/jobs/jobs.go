package jobs

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

const URL = "embedded:./jobs.db"

type WelcomeEmail struct {
	To   string `json:"to"`
	Name string `json:"name,omitempty"`
}

func (WelcomeEmail) Kind() string { return "welcome_email" }

func (WelcomeEmail) PushOptions() rockqueue.PushOptions {
	return rockqueue.PushOptions{Queue: "mail", MaxAttempts: 3}
}

type WelcomeWorker struct {
	rockqueue.WorkerDefaults[WelcomeEmail]
}

func (w *WelcomeWorker) Work(ctx context.Context, job *rockqueue.Job[WelcomeEmail]) error {
	if !strings.Contains(job.Args.To, "@") {
		return rockqueue.NonRetryable(fmt.Errorf("%q is not an address", job.Args.To))
	}
	job.Logf("sending to %s", job.Args.To)
	job.Progress(50, "rendered")
	fmt.Printf("mail to %s: welcome, %s!\n", job.Args.To, cmp.Or(job.Args.Name, "friend"))
	return job.SetResult("sent to " + job.Args.To)
}
