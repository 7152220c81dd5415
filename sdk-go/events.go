package rockqueue

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// EventOptions say which events, and from where on. Every field that is set must match; within a list, one match is
// enough.
type EventOptions struct {
	// Queues: events of these queues and of their jobs.
	Queues []string
	// Names: events of jobs with these names.
	Names []string
	// Types: events of these types.
	Types []EventType
	// JobIDs: events of these jobs.
	JobIDs []string
	// FlowIDs: events of these flows and of their jobs.
	FlowIDs []string
	// Schedules: events of these schedules and of the jobs that they pushed.
	Schedules []string
	// After begins with what follows this cursor. Excludes FromBeginning. Without either, the stream begins now.
	After string
	// FromBeginning begins with the earliest event that is still kept.
	FromBeginning bool
}

// Event is something that happened.
type Event struct {
	// Cursor is unique to the event: EventOptions.After it gives what follows.
	Cursor string
	// Type is what happened.
	Type EventType
	// Time is when it was committed.
	Time time.Time
	// Queue is that of the job; of a schedule, that of its job. Empty for events of workers and flows.
	Queue string
	// JobID is empty for events of queues, workers, flows and schedules, but for SCHEDULE_FIRED.
	JobID string
	// Name is the kind of job.
	Name string
	// State is the job's after the event; empty for events that are not a job's.
	State JobState
	// Attempt is the number of the delivery; 0 before the first.
	Attempt int32
	// Err is what went wrong, without its stack; nil where nothing did.
	Err *JobError
	// DeadReason comes with JOB_DEAD.
	DeadReason DeadReason
	// ReadyTime is when a delayed job will be ready.
	ReadyTime time.Time
	// Progress comes with JOB_PROGRESSED.
	Progress *Progress
	// Worker is the worker's name, with the start and the end of an attempt and for events of workers.
	Worker string
	// Purged comes with QUEUE_PURGED: how many jobs were removed in this step.
	Purged int64
	// FlowID is the flow, with FLOW_FINISHED and with every event of a job that is part of one.
	FlowID string
	// FlowState comes with FLOW_FINISHED: how.
	FlowState FlowState
	// Schedule is the schedule, with its own events and with every event of a job that it pushed.
	Schedule string
	// SlotTime comes with SCHEDULE_FIRED and SCHEDULE_SKIPPED: the due moment.
	SlotTime time.Time
}

// Events returns what happens, in the order of the commits, until ctx ends or the loop is left; see Watch, which it calls
// when the loop begins.
//
//	for event, err := range client.Events(ctx, rockqueue.EventOptions{Queues: []string{"mail"}}) {
func (c *Client) Events(ctx context.Context, options EventOptions) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		stream, err := c.Watch(ctx, options)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer stream.Close()
		for event, err := range stream.All() {
			if !yield(event, err) {
				return
			}
		}
	}
}

// EventStream is a subscription. One goroutine at a time may read it; Cursor and Close may be called meanwhile.
type EventStream struct {
	client *Client
	// parent is the caller's: when it ends, so does the stream.
	parent  context.Context
	ctx     context.Context
	cancel  context.CancelFunc
	detach  func() bool
	request *rockqueuepb.WatchEventsRequest

	stream    grpc.ServerStreamingClient[rockqueuepb.WatchEventsResponse]
	endStream context.CancelFunc
	failures  int

	pending []*rockqueuepb.Event
	// after is the cursor behind all that is pending.
	after  string
	cursor atomic.Pointer[string]
}

// Watch subscribes to events, and returns when the server has taken the subscription: what happens from then on is in
// the stream. No event is skipped, none comes twice; a broken connection is resumed where it broke. Close the stream when
// it is no longer wanted.
//
// Errors: ErrInvalidRequest, ErrCursorExpired (also later, for a reader that fell behind what the server keeps).
func (c *Client) Watch(ctx context.Context, options EventOptions) (*EventStream, error) {
	if err := c.checkOpen(); err != nil {
		return nil, err
	}
	request, err := options.proto()
	if err != nil {
		return nil, err
	}
	stream := &EventStream{client: c, parent: ctx, request: request, after: options.After}
	stream.cursor.Store(&options.After)
	stream.ctx, stream.cancel = context.WithCancel(ctx)
	stream.detach = context.AfterFunc(c.base, stream.cancel)
	if err := stream.receive(); err != nil {
		stream.Close()
		return nil, err
	}
	return stream, nil
}

func (o *EventOptions) proto() (*rockqueuepb.WatchEventsRequest, error) {
	if o.After != "" && o.FromBeginning {
		return nil, misuse("After and FromBeginning exclude each other")
	}
	filter, err := (&EventFilter{
		Queues: o.Queues, Names: o.Names, Types: o.Types, JobIDs: o.JobIDs, FlowIDs: o.FlowIDs, Schedules: o.Schedules,
	}).proto()
	if err != nil {
		return nil, err
	}
	request := &rockqueuepb.WatchEventsRequest{Filter: filter}
	if o.FromBeginning {
		request.From = &rockqueuepb.WatchEventsRequest_Beginning{Beginning: true}
	}
	if o.After != "" {
		request.From = &rockqueuepb.WatchEventsRequest_Cursor{Cursor: o.After}
	}
	return request, nil
}

// All returns the events, without end. The loop may be left and another one begun: it goes on where the first stopped.
// After an error, which is the last thing it returns, the stream is over.
func (s *EventStream) All() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			event, err := s.Next()
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// Next returns the next event, and waits for it.
func (s *EventStream) Next() (Event, error) {
	for {
		for len(s.pending) == 0 {
			if err := s.receive(); err != nil {
				return Event{}, err
			}
		}
		next := s.pending[0]
		s.pending = s.pending[1:]
		cursor := next.GetCursor()
		if len(s.pending) == 0 {
			cursor = s.after
		}
		s.cursor.Store(&cursor)
		// Types of a newer server are skipped, as the contract asks for.
		if event := eventFrom(next); event.Type != EventUnknown {
			return event, nil
		}
	}
}

// Cursor is where to resume with EventOptions.After: everything up to there was returned. It moves on also while nothing
// matches.
func (s *EventStream) Cursor() string { return *s.cursor.Load() }

// Close ends the subscription; twice is fine.
func (s *EventStream) Close() {
	s.detach()
	s.cancel()
}

// receive takes one response, a checkpoint perhaps, over as many streams as it takes.
func (s *EventStream) receive() error {
	for {
		response, err := s.read()
		if err == nil {
			s.failures = 0
			s.after = response.GetCursor()
			s.request.From = &rockqueuepb.WatchEventsRequest_Cursor{Cursor: s.after}
			s.pending = response.GetEvents()
			if len(s.pending) == 0 {
				s.cursor.Store(new(s.after))
			}
			return nil
		}
		s.breakOff()
		known := fromRPC(err)
		switch {
		case s.client.checkOpen() != nil:
			return closedError()
		case s.parent.Err() != nil:
			return fromContext(s.parent, "the caller has left the event stream")
		case s.ctx.Err() != nil:
			return fromContext(s.ctx, "the event stream is closed")
		case isFinal(known.Code):
			return known
		}
		s.pause(known)
	}
}

func (s *EventStream) read() (*rockqueuepb.WatchEventsResponse, error) {
	if s.stream == nil {
		ctx, cancel := context.WithCancel(s.ctx)
		request, ok := proto.Clone(s.request).(*rockqueuepb.WatchEventsRequest)
		if !ok {
			panic("rockqueue: a clone has the type of its original")
		}
		stream, err := s.client.events.WatchEvents(ctx, request)
		if err != nil {
			cancel()
			return nil, err
		}
		s.stream, s.endStream = stream, cancel
	}
	response, err := s.stream.Recv()
	if errors.Is(err, io.EOF) {
		return nil, &Error{Code: codes.Unavailable, Message: "the server ended the event stream"}
	}
	return response, err
}

// pause waits before the stream is resumed. The first attempt follows at once: servers restart, and events wait.
func (s *EventStream) pause(err *Error) {
	s.failures++
	wait := min(err.RetryAfter, reconnectLongest)
	if s.failures > 1 {
		wait = max(wait, backoff(s.failures-1, reconnectFirst, reconnectLongest, spread()))
	}
	s.client.logger.Debug("event stream broke off; resuming", "error", err, "in", wait)
	sleep(s.ctx, wait)
}

func (s *EventStream) breakOff() {
	if s.endStream != nil {
		s.endStream()
	}
	s.stream, s.endStream = nil, nil
}

// isFinal tells what no further attempt to open a stream can mend.
func isFinal(code codes.Code) bool {
	switch code {
	case codes.InvalidArgument, codes.OutOfRange, codes.Unimplemented, codes.PermissionDenied, codes.Unauthenticated,
		codes.FailedPrecondition, codes.NotFound:
		return true
	default:
		return false
	}
}
