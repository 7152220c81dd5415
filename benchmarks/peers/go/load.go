package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	warmUp = 200 * time.Millisecond
	// A consumer that waits for a server is not waited for longer than this when the measured part is over.
	goodbye = 2 * time.Second
)

// system is one queue to be measured. Each producer and consumer has a connection of its own.
type system interface {
	// prepare makes the queue, on a connection of its own.
	prepare(ctx context.Context, p params) error
	producer(ctx context.Context, p params) (producer, error)
	consumer(ctx context.Context, p params) (consumer, error)
}

type producer interface {
	// push returns when the server has acknowledged each of the jobs.
	push(ctx context.Context, jobs [][]byte) error
	close()
}

type consumer interface {
	// work takes and acknowledges jobs, and tells the tally of both, until ctx ends. What it holds then it may finish.
	work(ctx context.Context, t *tally) error
	close()
}

func produce(ctx context.Context, s system, p params, l link) error {
	producers := make([]producer, p.Clients)
	for index := range producers {
		connected, err := s.producer(ctx, p)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		defer connected.close()
		producers[index] = connected
	}
	warm := p
	warm.Queue += "-warm"
	if err := warmProducer(ctx, s, warm); err != nil {
		return err
	}
	if err := l.ready(); err != nil {
		return err
	}
	shared := &supply{params: p, until: time.Now().Add(seconds(p.Seconds))}
	began := now()
	lanes, laneCtx := errgroup.WithContext(ctx)
	for _, each := range producers {
		lanes.Go(func() error { return shared.pushAll(laneCtx, each) })
	}
	if err := lanes.Wait(); err != nil {
		return err
	}
	return l.say(result{Jobs: shared.pushed.Load(), BeganNS: began, EndedNS: now()})
}

// supply is the work that the producers share.
type supply struct {
	params          params
	until           time.Time
	claimed, pushed atomic.Int64
}

// pushAll pushes one batch after the other until the time is up, or all jobs are claimed.
func (s *supply) pushAll(ctx context.Context, to producer) error {
	for time.Now().Before(s.until) {
		size := int64(s.params.Batch)
		if s.params.Jobs > 0 {
			size = min(size, s.params.Jobs-s.claimed.Add(size)+size)
		}
		if size <= 0 {
			return nil
		}
		if err := to.push(ctx, payloads(int(size), s.params.PayloadBytes)); err != nil {
			return fmt.Errorf("push: %w", err)
		}
		s.pushed.Add(size)
		if s.params.PauseMS > 0 {
			time.Sleep(seconds(s.params.PauseMS / 1000))
		}
	}
	return nil
}

// warmProducer pushes to a queue that nobody reads, so that both sides have run their code when the clock starts.
func warmProducer(ctx context.Context, s system, p params) error {
	if err := s.prepare(ctx, p); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	connected, err := s.producer(ctx, p)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer connected.close()
	for until := time.Now().Add(warmUp); time.Now().Before(until); {
		if err := connected.push(ctx, payloads(p.Batch, p.PayloadBytes)); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
	}
	return nil
}

func consume(ctx context.Context, s system, p params, l link) error {
	consumers := make([]consumer, p.Clients)
	for index := range consumers {
		connected, err := s.consumer(ctx, p)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		consumers[index] = connected
	}
	if err := l.ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, seconds(p.Seconds))
	defer cancel()
	t := &tally{wanted: p.Jobs, enough: cancel}
	began := now()
	t.touch()
	failed := make(chan error, len(consumers))
	var working sync.WaitGroup
	for _, each := range consumers {
		working.Go(func() {
			if err := each.work(ctx, t); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
				failed <- fmt.Errorf("consume: %w", err)
				cancel()
			}
		})
	}
	ended := make(chan struct{})
	go func() { working.Wait(); close(ended) }()
	<-ctx.Done()
	select {
	case <-ended:
	case <-time.After(goodbye):
	}
	select {
	case err := <-failed:
		return err
	default:
	}
	told := result{Jobs: t.count.Load(), BeganNS: began, EndedNS: t.last.Load()}
	told.P50MS, told.P99MS = t.percentiles()
	return l.say(told)
}

// tally counts what all consumers have done.
type tally struct {
	count, last atomic.Int64
	wanted      int64
	enough      context.CancelFunc
	mutex       sync.Mutex
	delays      []int64
}

// started notes how long ago a job was made.
func (t *tally) started(job []byte) {
	delay := now() - madeAt(job)
	t.mutex.Lock()
	t.delays = append(t.delays, delay)
	t.mutex.Unlock()
}

// acked counts jobs whose acknowledgment the server has, and ends the load when there are enough.
func (t *tally) acked(jobs int) {
	t.touch()
	if count := t.count.Add(int64(jobs)); t.wanted > 0 && count >= t.wanted {
		t.enough()
	}
}

// touch makes this the moment in which the load ended: of an acknowledgment, or of a proof that the server has them all.
func (t *tally) touch() { t.last.Store(now()) }

func (t *tally) percentiles() (p50, p99 float64) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(t.delays) == 0 {
		return 0, 0
	}
	slices.Sort(t.delays)
	at := func(share float64) float64 {
		rank := max(int(math.Ceil(share*float64(len(t.delays)))), 1)
		return float64(t.delays[rank-1]) / 1e6
	}
	return at(0.5), at(0.99)
}
