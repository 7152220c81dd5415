package rockqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Worker works on one kind of job. Embed WorkerDefaults for what you do not want to say yourself.
//
//	type WelcomeWorker struct {
//		rockqueue.WorkerDefaults[WelcomeEmail]
//	}
//
//	func (w *WelcomeWorker) Work(ctx context.Context, job *rockqueue.Job[WelcomeEmail]) error {
//		return send(ctx, job.Args.To)
//	}
type Worker[T JobArgs] interface {
	// Work works on a job. Nil completes it, with what Delivery.SetResult was given; an error fails the attempt, and the
	// job's policy says whether and when it is tried again. NonRetryable, RetryAfter, Snooze, Release and Cancelled say
	// otherwise. A panic is a failure with its stack.
	//
	// The context ends when the handler should stop; context.Cause tells why: ErrJobCancelled, ErrJobTimeout,
	// ErrLeaseLost or ErrShutdown.
	Work(ctx context.Context, job *Job[T]) error

	// Timeout is how long one attempt may take in this program; 0 is no limit beside that of the job.
	Timeout(job *Job[T]) time.Duration
}

// WorkerDefaults is for embedding into a Worker: it has all methods but Work.
type WorkerDefaults[T JobArgs] struct{}

// Timeout returns 0: no limit beside that of the job.
func (WorkerDefaults[T]) Timeout(*Job[T]) time.Duration { return 0 }

// Job is a delivery with its arguments: what a Worker gets.
type Job[T JobArgs] struct {
	*Delivery

	// Args are the job's arguments.
	Args T
}

// WorkFunc makes a Worker of a function.
func WorkFunc[T JobArgs](work func(ctx context.Context, job *Job[T]) error) Worker[T] {
	return workFunc[T]{work: work}
}

type workFunc[T JobArgs] struct {
	WorkerDefaults[T]

	work func(context.Context, *Job[T]) error
}

func (w workFunc[T]) Work(ctx context.Context, job *Job[T]) error { return w.work(ctx, job) }

// ResultFunc makes a Worker of a function that returns the job's result; Result reads it.
func ResultFunc[T JobArgs, R any](work func(ctx context.Context, job *Job[T]) (R, error)) Worker[T] {
	return WorkFunc(func(ctx context.Context, job *Job[T]) error {
		result, err := work(ctx, job)
		if err != nil {
			return err
		}
		return job.SetResult(result)
	})
}

// AddWorker registers a Worker for its kind of job. It panics where AddWorkerSafely returns an error.
func AddWorker[T JobArgs](workers *Workers, worker Worker[T]) {
	if err := AddWorkerSafely(workers, worker); err != nil {
		panic(err)
	}
}

// AddWorkerSafely registers a Worker for its kind of job, and its queue where T names one in its PushOptions. There can be
// one for each kind, and none once Workers has started.
func AddWorkerSafely[T JobArgs](workers *Workers, worker Worker[T]) error {
	var args T
	queue := DefaultQueue
	if own, ok := any(args).(JobArgsWithOptions); ok {
		if named := own.PushOptions().Queue; named != "" {
			queue = named
		}
	}
	return workers.add(args.Kind(), queue, func(ctx context.Context, delivery *Delivery) error {
		job := &Job[T]{Delivery: delivery}
		if err := delivery.UnmarshalArgs(&job.Args); err != nil {
			return err
		}
		if timeout := worker.Timeout(job); timeout > 0 {
			return withinTimeout(ctx, timeout, func(ctx context.Context) error { return worker.Work(ctx, job) })
		}
		return worker.Work(ctx, job)
	})
}

func withinTimeout(ctx context.Context, timeout time.Duration, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, ErrJobTimeout)
	defer cancel()
	err := work(ctx)
	if errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), ErrJobTimeout) {
		return fmt.Errorf("%w (%s): %w", ErrJobTimeout, timeout, err)
	}
	return err
}

// HandlerFunc works on jobs of any kind; see Worker.Work for what its error means.
type HandlerFunc func(ctx context.Context, delivery *Delivery) error

// WorkMiddleware is called around each handler: it may add to the context, look at the error, or replace it.
type WorkMiddleware func(ctx context.Context, delivery *Delivery, next HandlerFunc) error

// HandleFunc registers a function for a kind of job, for payloads that no Go type stands for. Name its queue in
// WorkersConfig.Queues. It panics where AddWorkerSafely would return an error.
func (w *Workers) HandleFunc(kind string, handler HandlerFunc) {
	if err := w.add(kind, "", handler); err != nil {
		panic(err)
	}
}

func (w *Workers) add(kind, queue string, handler HandlerFunc) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.state != WorkerCreated:
		return misuse("workers that are %s take no more kinds of jobs", w.state)
	case kind == "":
		return misuse("a kind of job needs a name")
	case w.handlers[kind] != nil:
		return misuse("two workers for jobs of kind %q", kind)
	}
	for _, middleware := range slices.Backward(w.config.Middleware) {
		next := handler
		handler = func(ctx context.Context, delivery *Delivery) error { return middleware(ctx, delivery, next) }
	}
	w.handlers[kind] = handler
	if queue != "" {
		w.queueSet[queue] = struct{}{}
	}
	return nil
}
