package main

import (
	"context"
	"errors"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"

	pb "github.com/rockqueue/rockqueue/conformance-tests/drivers/go/driverpb"
)

// running is one delivery in the hands of the handler.
type running struct {
	driver   *driver
	handler  *pb.Handler
	worker   string
	delivery *rockqueue.Delivery
	told     bool
}

// handler is the function that performs what the runner wrote down.
func (d *driver) handler(wanted *pb.Handler, worker string) rockqueue.HandlerFunc {
	return func(ctx context.Context, delivery *rockqueue.Delivery) error {
		var payload any
		if err := delivery.UnmarshalArgs(&payload); err != nil {
			return err
		}
		run := &running{driver: d, handler: wanted, worker: worker, delivery: delivery}
		run.began(ctx)
		for _, action := range run.actions() {
			if ended, err := run.perform(ctx, action); ended {
				return err
			}
		}
		run.ended("complete")
		return nil
	}
}

func (r *running) actions() []*pb.Action {
	scripts := r.handler.GetAttempts()
	if len(scripts) == 0 {
		return nil
	}
	return scripts[min(int(r.delivery.Attempt), len(scripts))-1].GetActions()
}

// perform performs an action; true when it ended the handler.
func (r *running) perform(ctx context.Context, action *pb.Action) (bool, error) {
	switch wanted := action.GetAction().(type) {
	case *pb.Action_Sleep:
		return wait(ctx, r, time.After(wanted.Sleep.AsDuration()))
	case *pb.Action_Gate:
		return wait(ctx, r, r.driver.gate(wanted.Gate))
	case *pb.Action_UntilStopped:
		<-ctx.Done()
		r.stopAsked(ctx)
	case *pb.Action_DeafGate:
		gate := r.driver.gate(wanted.DeafGate)
		select {
		case <-gate:
		case <-ctx.Done():
			r.stopAsked(ctx)
			<-gate
		}
	case *pb.Action_UntilShutdown:
		ended, err := wait(ctx, r, r.delivery.ShuttingDown())
		if !ended {
			r.observe(&pb.Observation{Observation: &pb.Observation_ShutdownTold{ShutdownTold: &pb.HandlerShutdown{
				Worker: r.worker, JobId: r.delivery.ID, Attempt: r.delivery.Attempt,
			}}})
		}
		return ended, err
	case *pb.Action_Block:
		time.Sleep(wanted.Block.AsDuration())
	case *pb.Action_Log:
		r.delivery.Log(wanted.Log)
	case *pb.Action_Progress:
		if wanted.Progress.Percent == nil {
			r.delivery.ProgressMessage(wanted.Progress.GetMessage())
		} else {
			r.delivery.Progress(wanted.Progress.GetPercent(), wanted.Progress.GetMessage())
		}
	case *pb.Action_FollowUp:
		job, err := newJob(wanted.FollowUp)
		if err = errors.Join(err, r.delivery.FollowUp(job.Args, job.Options)); err != nil {
			r.ended("follow_up")
			return true, err
		}
	default:
		return true, r.end(ctx, action)
	}
	return false, nil
}

// end is an action that ends the handler.
func (r *running) end(ctx context.Context, action *pb.Action) error {
	switch wanted := action.GetAction().(type) {
	case *pb.Action_Parents:
		results, err := r.parents(ctx)
		r.ended("parents")
		if err != nil {
			return err
		}
		return r.delivery.SetResult(results)
	case *pb.Action_Complete:
		r.ended("complete")
		value, err := valueIn(wanted.Complete)
		if err != nil || wanted.Complete.GetValue() == nil {
			return err
		}
		return r.delivery.SetResult(value)
	case *pb.Action_Fail:
		r.ended("fail")
		return errors.New(wanted.Fail)
	case *pb.Action_FailForGood:
		r.ended("fail_for_good")
		return rockqueue.NonRetryable(errors.New(wanted.FailForGood))
	case *pb.Action_RetryAfter:
		r.ended("retry_after")
		return rockqueue.RetryAfter(wanted.RetryAfter.GetDelay().AsDuration(), errors.New(wanted.RetryAfter.GetMessage()))
	case *pb.Action_Snooze:
		r.ended("snooze")
		return rockqueue.Snooze(wanted.Snooze.AsDuration())
	case *pb.Action_Release:
		r.ended("release")
		return rockqueue.Release()
	case *pb.Action_Crash:
		r.ended("crash")
		panic(wanted.Crash)
	default:
		return r.giveWay(ctx)
	}
}

// parents are the results of the job's parents, by the names of their nodes.
func (r *running) parents(ctx context.Context) (map[string]any, error) {
	parents, err := r.delivery.Parents(ctx)
	results := make(map[string]any)
	for node, parent := range parents {
		var result any
		err = errors.Join(err, parent.UnmarshalResult(&result))
		results[node] = result
	}
	return results, err
}

// wait waits until a gate opens or a time comes, and gives way when the handler should stop.
func wait[T any](ctx context.Context, r *running, gate <-chan T) (bool, error) {
	select {
	case <-gate:
	case <-ctx.Done():
		r.stopAsked(ctx)
		return true, r.giveWay(ctx)
	}
	return false, nil
}

func (r *running) giveWay(ctx context.Context) error {
	r.ended("stop")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return rockqueue.Cancelled()
}

func (r *running) observe(observation *pb.Observation) {
	if !r.handler.GetSilent() {
		r.driver.frames.observe(observation)
	}
}

func (r *running) began(ctx context.Context) {
	job := r.delivery
	began := &pb.HandlerBegan{
		Worker: r.worker, JobId: job.ID, Queue: job.Queue, Name: job.Kind, Attempt: job.Attempt, Failures: job.Failures,
		Crashes: job.Crashes, Priority: job.Priority, Headers: job.Headers, Tags: job.Tags,
		Payload: valueOut(job.UnmarshalArgs), CreateTime: timeOut(job.CreateTime), Group: job.Group,
		Schedule: job.Origin.Schedule, SlotTime: timeOut(job.Origin.SlotTime), FlowId: job.Origin.FlowID,
		FlowNode: job.Origin.FlowNode,
	}
	if deadline, ok := ctx.Deadline(); ok {
		began.Deadline = timeOut(deadline)
	}
	r.observe(&pb.Observation{Observation: &pb.Observation_Began{Began: began}})
}

func (r *running) ended(by string) {
	r.observe(&pb.Observation{Observation: &pb.Observation_Ended{Ended: &pb.HandlerEnded{
		Worker: r.worker, JobId: r.delivery.ID, Attempt: r.delivery.Attempt, By: by,
	}}})
}

// stopAsked reports, once, that the handler should stop, and why.
func (r *running) stopAsked(ctx context.Context) {
	if r.told {
		return
	}
	r.told = true
	cause := ""
	for kind, name := range map[error]string{
		rockqueue.ErrJobCancelled: "REQUESTED", rockqueue.ErrJobTimeout: "TIMEOUT",
		rockqueue.ErrLeaseLost: "LEASE_LOST", rockqueue.ErrShutdown: "SHUTDOWN",
	} {
		if errors.Is(context.Cause(ctx), kind) {
			cause = name
		}
	}
	r.observe(&pb.Observation{Observation: &pb.Observation_StopAsked{StopAsked: &pb.HandlerStopped{
		Worker: r.worker, JobId: r.delivery.ID, Attempt: r.delivery.Attempt, Cause: cause,
	}}})
}
