package main

import (
	"strings"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

const (
	queue = "bench"
	// warmQueue has no worker: a producer warms up there without giving a worker something to count.
	warmQueue = "warm"
)

// noop is the job of the loads: it does nothing, so that what is measured is everything around it.
type noop struct {
	Filler string `json:"filler"`
}

func (noop) Kind() string { return "noop" }

func (noop) PushOptions() rockqueue.PushOptions { return rockqueue.PushOptions{Queue: queue} }

// noopOf makes the job whose payload has so many bytes of JSON, at least 13.
func noopOf(payloadBytes int) noop {
	return noop{Filler: strings.Repeat("x", payloadBytes-len(`{"filler":""}`))}
}

// batchOf is so many of the same job, as PushMany takes them; options may be nil.
func batchOf(size int, job noop, options *rockqueue.PushOptions) []rockqueue.NewJob {
	jobs := make([]rockqueue.NewJob, size)
	for index := range jobs {
		jobs[index] = rockqueue.NewJob{Args: job, Options: options}
	}
	return jobs
}

func newClient(address string) (*rockqueue.Client, error) {
	return rockqueue.NewClient(rockqueue.Config{URL: "rockqueue://" + address})
}
