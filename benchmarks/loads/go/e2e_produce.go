package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// e2eProduce pushes batches through the SDK while another process works them off.
func e2eProduce(ctx context.Context, l *link) error {
	var params struct {
		Address       string
		Batch         int
		InFlight      int `json:"in_flight"`
		Jobs          int64
		PayloadBytes  int     `json:"payload_bytes"`
		Seconds       float64 // it stops then, with fewer jobs
		WarmUpBatches int     `json:"warm_up_batches"`
	}
	if err := l.hear(&params); err != nil {
		return err
	}
	client, err := newClient(params.Address)
	if err != nil {
		return err
	}
	defer client.Close()
	job := noopOf(params.PayloadBytes)
	for range params.WarmUpBatches {
		batch := batchOf(params.Batch, job, &rockqueue.PushOptions{Queue: warmQueue})
		if _, err := client.PushMany(ctx, batch, nil); err != nil {
			return err
		}
	}
	if err := l.ready(); err != nil {
		return err
	}
	began, beganNs := time.Now(), monotonicNs()
	var pushed atomic.Int64
	perLane := make([][]time.Duration, params.InFlight)
	lanes, ctx := errgroup.WithContext(ctx)
	for lane := range perLane {
		lanes.Go(func() error {
			for pushed.Load() < params.Jobs && time.Since(began).Seconds() < params.Seconds {
				pushed.Add(int64(params.Batch))
				at := time.Now()
				if _, err := client.PushMany(ctx, batchOf(params.Batch, job, nil), nil); err != nil {
					return err
				}
				perLane[lane] = append(perLane[lane], time.Since(at))
			}
			return nil
		})
	}
	if err := lanes.Wait(); err != nil {
		return err
	}
	seconds, took := time.Since(began).Seconds(), slices.Concat(perLane...)
	return l.done(result{Jobs: int(pushed.Load()), Seconds: seconds, BeganNs: beganNs, Latency: latencyOf(took)})
}
