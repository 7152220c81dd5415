package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// link is a load's line to the harness: parameters and signals come in, readiness and one result go out, as lines of JSON.
type link struct {
	in     *bufio.Reader
	out    *json.Encoder
	before usage
}

// result is what a load has measured: so many jobs in so many seconds.
type result struct {
	Jobs    int          `json:"jobs"`
	Seconds float64      `json:"seconds"`
	BeganNs int64        `json:"began_ns,omitempty"`
	EndedNs int64        `json:"ended_ns,omitempty"`
	Samples [][2]float64 `json:"samples"`
	Latency *latency     `json:"latency_ms"`
	Usage   usage        `json:"usage"`
}

func newLink(in io.Reader, out io.Writer) *link {
	return &link{in: bufio.NewReader(in), out: json.NewEncoder(out)}
}

// hear reads the next message of the harness: at first the parameters.
func (l *link) hear(message any) error {
	line, err := l.in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the harness is gone: %w", err)
	}
	return json.Unmarshal(line, message)
}

// ready tells that the load is warm, and returns when it may go.
func (l *link) ready() error {
	if err := l.out.Encode(struct{}{}); err != nil {
		return err
	}
	if err := l.hear(&struct{}{}); err != nil {
		return err
	}
	l.before = usageNow()
	return nil
}

// done tells the result, with what the process used since it was ready.
func (l *link) done(told result) error {
	told.Usage = usageNow().since(l.before)
	return l.out.Encode(told)
}

// monotonicNs reads the monotonic clock, which on Linux is the same in all processes.
func monotonicNs() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err) // every Linux has it
	}
	return now.Nano()
}

// sample notes a count once a second, as pairs of seconds since the start and the count by then, until it is stopped.
func sample(count func() int64) (stop func() [][2]float64) {
	began, over, taken := time.Now(), make(chan struct{}), make(chan [][2]float64)
	go func() {
		samples := [][2]float64{}
		ticks := time.NewTicker(time.Second)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				samples = append(samples, [2]float64{time.Since(began).Seconds(), float64(count())})
			case <-over:
				taken <- samples
				return
			}
		}
	}()
	return func() [][2]float64 {
		close(over)
		return <-taken
	}
}
