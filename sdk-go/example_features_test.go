package rockqueue_test

import (
	"context"
	"fmt"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

type Render struct{ Issue int }

func (Render) Kind() string { return "render" }

func (Render) PushOptions() rockqueue.PushOptions {
	return rockqueue.PushOptions{Queue: "example-flows"}
}

type Deliver struct{ List string }

func (Deliver) Kind() string { return "deliver" }

func (Deliver) PushOptions() rockqueue.PushOptions {
	return rockqueue.PushOptions{Queue: "example-flows"}
}

// ExampleFlow pushes two jobs that wait for a third, and reads its result in each of them.
func ExampleFlow() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{})
	rockqueue.AddWorker(workers, rockqueue.ResultFunc(func(_ context.Context, job *rockqueue.Job[Render]) (string, error) {
		return fmt.Sprintf("issue %d", job.Args.Issue), nil
	}))
	rockqueue.AddWorker(workers, rockqueue.ResultFunc(func(ctx context.Context, job *rockqueue.Job[Deliver]) (string, error) {
		parents, err := job.Parents(ctx)
		if err != nil {
			return "", err
		}
		var text string
		err = parents["render"].UnmarshalResult(&text)
		return text + " to " + job.Args.List, err
	}))
	if err := workers.Start(ctx); err != nil {
		panic(err)
	}
	defer workers.Stop(ctx)

	flow := rockqueue.NewFlow("newsletter")
	readers := flow.Add(Deliver{List: "readers"}, nil)
	friends := flow.Add(Deliver{List: "friends"}, nil)
	flow.Chain(flow.Add(Render{Issue: 7}, nil), flow.Group(readers, friends))
	pushed, err := client.Flows().Push(ctx, flow, nil)
	if err != nil {
		panic(err)
	}
	for _, node := range []*rockqueue.FlowNode{readers, friends} {
		fmt.Println(rockqueue.Result[string](ctx, client, pushed.JobID(node)))
	}
	finished, err := client.Flows().Wait(ctx, pushed.ID)
	if err != nil {
		panic(err)
	}
	fmt.Println(finished.State, finished.Completed)
	// Output:
	// issue 7 to readers <nil>
	// issue 7 to friends <nil>
	// COMPLETED 3
}

// ExampleSchedules puts a schedule, and looks at the slots around the night in which the clocks go forward.
func ExampleSchedules() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	_, err = client.Schedules().Put(ctx, rockqueue.NewSchedule{
		Name: "example-nightly", Cron: "30 1 * * *", TimeZone: "Europe/London",
		Args: rockqueue.NamedArgs{Name: "report"}, Options: &rockqueue.PushOptions{Queue: "example-schedules"},
	})
	if err != nil {
		panic(err)
	}
	slots, err := client.Schedules().Preview(ctx, "example-nightly", &rockqueue.PreviewOptions{
		After: time.Date(2026, 3, 27, 12, 0, 0, 0, time.UTC), Count: 3,
	})
	if err != nil {
		panic(err)
	}
	for _, slot := range slots {
		fmt.Println(slot)
	}
	fmt.Println(client.Schedules().Delete(ctx, "example-nightly"))
	// Output:
	// 2026-03-28 01:30:00 +0000 UTC
	// 2026-03-29 01:00:00 +0000 UTC
	// 2026-03-30 00:30:00 +0000 UTC
	// <nil>
}
