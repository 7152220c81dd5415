package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// singlePush is many callers in one process, each pushing one job at a time through the SDK.
func singlePush(ctx context.Context, l *link) error {
	var params struct {
		Address       string
		Callers       int
		PayloadBytes  int `json:"payload_bytes"`
		Seconds       float64
		WarmUpSeconds float64 `json:"warm_up_seconds"`
	}
	if err := l.hear(&params); err != nil {
		return err
	}
	client, err := newClient(params.Address)
	if err != nil {
		return err
	}
	defer client.Close()
	callers := &callers{client: client, count: params.Callers, job: noopOf(params.PayloadBytes)}
	if _, err := callers.pushFor(ctx, params.WarmUpSeconds); err != nil {
		return err
	}
	if err := l.ready(); err != nil {
		return err
	}
	callers.pushed.Store(0)
	stopSampling := sample(callers.pushed.Load)
	began := time.Now()
	took, err := callers.pushFor(ctx, params.Seconds)
	seconds, samples := time.Since(began).Seconds(), stopSampling()
	if err != nil {
		return err
	}
	return l.done(result{Jobs: len(took), Seconds: seconds, Samples: samples, Latency: latencyOf(took)})
}

// callers push one job at a time each.
type callers struct {
	client *rockqueue.Client
	count  int
	job    noop
	pushed atomic.Int64
}

// pushFor returns how long each push took.
func (c *callers) pushFor(ctx context.Context, seconds float64) ([]time.Duration, error) {
	began := time.Now()
	perCaller := make([][]time.Duration, c.count)
	group, ctx := errgroup.WithContext(ctx)
	for index := range perCaller {
		group.Go(func() error {
			for time.Since(began).Seconds() < seconds {
				at := time.Now()
				if _, err := c.client.Push(ctx, c.job, nil); err != nil {
					return err
				}
				perCaller[index] = append(perCaller[index], time.Since(at))
				c.pushed.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return slices.Concat(perCaller...), err
}
