package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// counter counts handlers, and lets somebody wait for a number of them.
type counter struct {
	mu      sync.Mutex
	count   int64
	wanted  int64
	reached chan struct{}
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	if c.count == c.wanted {
		close(c.reached)
	}
}

func (c *counter) now() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

// reach returns when there have been so many since the start.
func (c *counter) reach(wanted int64) {
	c.mu.Lock()
	c.wanted, c.reached = wanted, make(chan struct{})
	if c.count >= wanted {
		close(c.reached)
	}
	reached := c.reached
	c.mu.Unlock()
	<-reached
}

// e2eWork is a worker of the SDK that counts; it ends when all completions are on the server's disk. Told `{"jobs": N}`
// after the go, it ends after N jobs.
func e2eWork(ctx context.Context, l *link) error {
	var params struct {
		Address      string
		Concurrency  int
		PayloadBytes int `json:"payload_bytes"`
		WarmUpJobs   int `json:"warm_up_jobs"`
	}
	if err := l.hear(&params); err != nil {
		return err
	}
	client, err := newClient(params.Address)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.PushMany(ctx, batchOf(params.WarmUpJobs, noopOf(params.PayloadBytes), nil), nil); err != nil {
		return err
	}
	runs, before := &counter{}, int64(params.WarmUpJobs)
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Concurrency: params.Concurrency})
	rockqueue.AddWorker(workers, rockqueue.WorkFunc(func(context.Context, *rockqueue.Job[noop]) error {
		runs.add()
		return nil
	}))
	if err := workers.Start(ctx); err != nil {
		return err
	}
	runs.reach(before)
	if err := l.ready(); err != nil {
		return err
	}
	began := time.Now()
	stopSampling := sample(func() int64 { return runs.now() - before })
	var told struct{ Jobs int64 }
	if err := l.hear(&told); err != nil {
		return err
	}
	runs.reach(before + told.Jobs)
	if err := workers.Stop(ctx); err != nil {
		return err
	}
	endedNs, seconds, samples := monotonicNs(), time.Since(began).Seconds(), stopSampling()
	worked, err := client.Queues().Get(ctx, queue)
	if err != nil {
		return err
	}
	if done := worked.Counts.Completed; done != before+told.Jobs || done != runs.now() {
		return fmt.Errorf("%d jobs and %d before, but %d runs, %d completed", told.Jobs, before, runs.now(), done)
	}
	return l.done(result{Jobs: int(told.Jobs), Seconds: seconds, EndedNs: endedNs, Samples: samples})
}
