package main

import (
	"context"
	"fmt"
	"log"

	"mail/jobs"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

type Render struct{ Issue int }

func (Render) Kind() string { return "render" }

type Send struct{ List string }

func (Send) Kind() string { return "send" }

func render(_ context.Context, job *rockqueue.Job[Render]) (string, error) {
	return fmt.Sprintf("issue %d", job.Args.Issue), nil
}

func send(ctx context.Context, job *rockqueue.Job[Send]) error {
	parents, err := job.Parents(ctx) // by the names of their nodes
	if err != nil {
		return err
	}
	var text string
	if err := parents["render"].UnmarshalResult(&text); err != nil {
		return err
	}
	fmt.Println("sent", text, "to", job.Args.List)
	return nil
}

func main() {
	ctx := context.Background()
	client, err := rockqueue.NewClient(rockqueue.Config{URL: jobs.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{})
	rockqueue.AddWorker(workers, rockqueue.ResultFunc(render))
	rockqueue.AddWorker(workers, rockqueue.WorkFunc(send))
	if err := workers.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer workers.Stop(ctx)

	flow := rockqueue.NewFlow("newsletter")
	rendered := flow.Add(Render{Issue: 7}, nil)
	flow.Add(Send{List: "readers"}, nil).After(rendered)
	flow.Add(Send{List: "friends"}, nil).After(rendered)
	pushed, err := client.Flows().Push(ctx, flow, nil)
	if err != nil {
		log.Fatal(err)
	}
	finished, err := client.Flows().Wait(ctx, pushed.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("flow:", finished.State, finished.Completed, "of", finished.Jobs)
}
