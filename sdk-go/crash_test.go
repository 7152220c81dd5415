package rockqueue_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuetest"
)

func TestWorkersKeepTheirJobsOverKill9OfTheServer(t *testing.T) {
	t.Parallel()
	server := rockqueuetest.NewServer(t)
	client := server.Client(rockqueue.Config{Retry: patient, Logger: slog.New(slog.DiscardHandler)})
	ctx := within(t)
	began, release := make(chan struct{}), make(chan struct{})
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Queues: []string{"q"}, Concurrency: 4})
	workers.HandleFunc("n", func(ctx context.Context, delivery *rockqueue.Delivery) error {
		if string(delivery.Payload) == "0" {
			close(began)
			<-release
		}
		return echo(ctx, delivery)
	})
	noError(t, workers.Start(ctx))
	defer stopWorkers(t, workers)
	jobs := make([]rockqueue.NewJob, 10)
	for number := range jobs {
		jobs[number] = rockqueue.NewJob{Args: named("n", number), Options: in("q")}
	}
	pushed, err := client.PushMany(ctx, jobs, nil)
	noError(t, err)
	receive(t, began)
	_, err = client.Wait(ctx, pushed[9].ID)
	noError(t, err)
	server.Kill()
	// Nobody answers: this push waits, and is made once.
	late := make(chan rockqueue.PushedJob, 1)
	go func() {
		one, err := client.Push(ctx, named("n", 10), in("q"))
		if err != nil {
			t.Errorf("push while the server was down: %v", err)
		}
		late <- one
	}()
	server.Start()
	pushed = append(pushed, receive(t, late))
	close(release)
	for number, one := range pushed {
		result, err := rockqueue.Result[int](ctx, client, one.ID)
		noError(t, err)
		equal(t, result, number, "result")
	}
	found := 0
	for job, err := range client.List(ctx, rockqueue.JobFilter{Queue: "q"}, nil) {
		noError(t, err)
		equal(t, job.ID, pushed[found].ID, "job")
		equal(t, job.Attempt, 1, "attempt")
		equal(t, job.Crashes, 0, "crashes")
		found++
	}
	equal(t, found, 11, "jobs")
	equal(t, len(server.Problems()), 0, "problems of the store")
}

func TestNothingIsLostWhileTheServerIsKilledUnderBusyWorkers(t *testing.T) {
	t.Parallel()
	server := rockqueuetest.NewServer(t)
	client := server.Client(rockqueue.Config{Retry: patient, Logger: slog.New(slog.DiscardHandler)})
	ctx := within(t)
	const count = 400
	var worked atomic.Int64
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Queues: []string{"q"}, Concurrency: 20})
	workers.HandleFunc("n", func(ctx context.Context, delivery *rockqueue.Delivery) error {
		worked.Add(1)
		return echo(ctx, delivery)
	})
	noError(t, workers.Start(ctx))
	defer stopWorkers(t, workers)
	ids := make(chan string, count)
	for range 8 {
		go func() {
			for number := range count / 8 {
				one, err := client.Push(ctx, named("n", number), in("q"))
				if err != nil {
					t.Errorf("push: %v", err)
				}
				ids <- one.ID
			}
		}()
	}
	seen := make(map[string]bool)
	for number := range count {
		seen[receive(t, ids)] = true
		if number%150 == 100 {
			server.Kill()
			server.Start()
		}
	}
	equal(t, len(seen), count, "different jobs")
	for id := range seen {
		job, err := client.Wait(ctx, id)
		noError(t, err)
		equal(t, job.State, rockqueue.JobCompleted, "state")
	}
	if worked.Load() < count {
		t.Fatalf("expected %d jobs to be worked, got %d", count, worked.Load())
	}
	equal(t, len(server.Problems()), 0, "problems of the store")
}

func TestEventsGoOnOverKill9OfTheServer(t *testing.T) {
	t.Parallel()
	server := rockqueuetest.NewServer(t)
	client := server.Client(rockqueue.Config{Retry: patient, Logger: slog.New(slog.DiscardHandler)})
	ctx := within(t)
	stream, err := client.Watch(ctx, rockqueue.EventOptions{Queues: []string{"q"}, Types: []rockqueue.EventType{rockqueue.EventJobPushed}})
	noError(t, err)
	defer stream.Close()
	for round := range 2 {
		for number := range 3 {
			pushed, err := client.Push(ctx, named("n", number), in("q"))
			noError(t, err)
			event, err := stream.Next()
			noError(t, err)
			equal(t, event.JobID, pushed.ID, "event")
		}
		if round < 1 {
			server.Kill()
			server.Start()
		}
	}
}
