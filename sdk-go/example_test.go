package rockqueue_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

type WelcomeEmail struct {
	To string `json:"to"`
}

func (WelcomeEmail) Kind() string { return "welcome_email" }

func (WelcomeEmail) PushOptions() rockqueue.PushOptions {
	return rockqueue.PushOptions{Queue: "example-mail", MaxAttempts: 3}
}

// Example pushes a job and works on it.
func Example() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	pushed, err := client.Push(ctx, WelcomeEmail{To: "ada@example.com"}, nil)
	if err != nil {
		panic(err)
	}

	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{})
	rockqueue.AddWorker(workers, rockqueue.WorkFunc(func(_ context.Context, job *rockqueue.Job[WelcomeEmail]) error {
		fmt.Println("mail to", job.Args.To, "attempt", job.Attempt)
		return nil
	}))
	if err := workers.Start(ctx); err != nil {
		panic(err)
	}
	defer workers.Stop(ctx)

	job, err := client.Wait(ctx, pushed.ID)
	if err != nil {
		panic(err)
	}
	fmt.Println(job.State)
	// Output:
	// mail to ada@example.com attempt 1
	// COMPLETED
}

type Sum struct {
	A, B int
}

func (Sum) Kind() string { return "sum" }

func (Sum) PushOptions() rockqueue.PushOptions { return rockqueue.PushOptions{Queue: "example-sums"} }

// ExampleResult waits for what a handler returns.
func ExampleResult() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{})
	rockqueue.AddWorker(workers, rockqueue.ResultFunc(func(_ context.Context, job *rockqueue.Job[Sum]) (int, error) {
		return job.Args.A + job.Args.B, nil
	}))
	if err := workers.Start(ctx); err != nil {
		panic(err)
	}
	defer workers.Stop(ctx)

	pushed, err := client.Push(ctx, Sum{A: 20, B: 22}, nil)
	if err != nil {
		panic(err)
	}
	result, err := rockqueue.Result[int](ctx, client, pushed.ID)
	fmt.Println(result, err)
	// Output: 42 <nil>
}

// ExampleClient_PushMany stores jobs as one batch: all of them, or none.
func ExampleClient_PushMany() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	pushed, err := client.PushMany(ctx, []rockqueue.NewJob{
		{Args: WelcomeEmail{To: "grace@example.com"}, Options: &rockqueue.PushOptions{Queue: "example-batch", Priority: 10}},
		{Args: rockqueue.NamedArgs{Name: "resize", Payload: map[string]int{"width": 80}}, Options: &rockqueue.PushOptions{Queue: "example-batch"}},
	}, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(pushed), "jobs are on disk")
	for _, one := range pushed {
		job, err := client.Get(ctx, one.ID)
		if err != nil {
			panic(err)
		}
		fmt.Println(job.Name, job.Priority)
	}
	// Output:
	// 2 jobs are on disk
	// welcome_email 10
	// resize 0
}

// ExampleError asks an error what it is.
func ExampleError() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	_, err = client.Get(ctx, "01900000-0000-7000-8000-000000000000")
	var failed *rockqueue.Error
	if errors.Is(err, rockqueue.ErrJobNotFound) && errors.As(err, &failed) {
		fmt.Println(failed.Code, failed.Reason, failed.Metadata["job_id"])
	}
	// Output: NotFound JOB_NOT_FOUND 01900000-0000-7000-8000-000000000000
}

// ExampleClient_Events follows a job from its push to its end in the dead letters.
func ExampleClient_Events() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Queues: []string{"example-events"}})
	rockqueue.AddWorker(workers, rockqueue.WorkFunc(func(_ context.Context, job *rockqueue.Job[WelcomeEmail]) error {
		return rockqueue.NonRetryable(fmt.Errorf("%q is not an address", job.Args.To))
	}))
	if err := workers.Start(ctx); err != nil {
		panic(err)
	}
	defer workers.Stop(ctx)
	pushed, err := client.Push(ctx, WelcomeEmail{To: "nobody"}, &rockqueue.PushOptions{Queue: "example-events"})
	if err != nil {
		panic(err)
	}
	options := rockqueue.EventOptions{JobIDs: []string{pushed.ID}, FromBeginning: true}
	for event, err := range client.Events(ctx, options) {
		if err != nil {
			panic(err)
		}
		fmt.Println(event.Type)
		if event.DeadReason != "" {
			fmt.Println(event.DeadReason)
			break
		}
	}
	// Output:
	// JOB_PUSHED
	// JOB_STARTED
	// JOB_FAILED
	// JOB_DEAD
	// NON_RETRYABLE
}

// ExampleUnique lets one job at a time hold a key.
func ExampleUnique() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	options := &rockqueue.PushOptions{
		Queue: "example-unique", Unique: &rockqueue.Unique{Key: "report-2026-11", OnConflict: rockqueue.Reject},
	}
	report := rockqueue.NamedArgs{Name: "report"}
	_, err = client.Push(ctx, report, options)
	fmt.Println(err)
	_, err = client.Push(ctx, report, options)
	fmt.Println(errors.Is(err, rockqueue.ErrUniqueConflict))
	_, err = client.DeleteAll(ctx, rockqueue.JobFilter{Queue: "example-unique"}, nil)
	fmt.Println(err)
	// Output:
	// <nil>
	// true
	// <nil>
}

// ExampleRetryPolicy_Pause shows when retries come.
func ExampleRetryPolicy_Pause() {
	policy := rockqueue.RetryPolicy{Base: new(10 * time.Second), Jitter: new(0.0)}
	for failures := 1; failures <= 3; failures++ {
		pause, _ := policy.Pause(failures)
		fmt.Println(pause)
	}
	// Output:
	// 10s
	// 20s
	// 40s
}
