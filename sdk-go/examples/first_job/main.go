// Queues a job in files of this program's own, and works it.
package main

import (
	"context"
	"fmt"
	"log"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// Greet is a greeting to send.
type Greet struct {
	Name string `json:"name"`
}

// Kind names this kind of job, in every language.
func (Greet) Kind() string { return "greet" }

func greet(_ context.Context, job *rockqueue.Job[Greet]) error {
	fmt.Printf("Hello, %s! This is attempt %d.\n", job.Args.Name, job.Attempt)
	return nil
}

func run(ctx context.Context) error {
	client, err := rockqueue.Local("./jobs.db")
	if err != nil {
		return err
	}
	defer client.Close()
	// On disk when this returns: a crash does not lose it.
	pushed, err := client.Push(ctx, Greet{Name: "Ada"}, nil)
	if err != nil {
		return err
	}
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{})
	rockqueue.AddWorker(workers, rockqueue.WorkFunc(greet))
	if err := workers.Start(ctx); err != nil {
		return err
	}
	job, err := client.Wait(ctx, pushed.ID)
	if err != nil {
		return err
	}
	fmt.Println(job.State)
	return workers.Stop(ctx)
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
