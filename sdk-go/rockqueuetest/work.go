package rockqueuetest

import (
	"cmp"
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/hooks"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// Outcome is what became of a job.
type Outcome string

// What a handler can do with a job.
const (
	Completed Outcome = "completed"
	Failed    Outcome = "failed"
	Snoozed   Outcome = "snoozed"
	Released  Outcome = "released"
	Cancelled Outcome = "cancelled"
)

// WorkOptions say more about the job that Work makes up.
type WorkOptions struct {
	// Attempt is the number of the delivery. Default: 1.
	Attempt int32
	// Failures counts earlier attempts that failed.
	Failures int32
	// Options are those of the push: headers, tags, priority, queue.
	Options *rockqueue.PushOptions
	// Parents are what the job's parents returned, by the names of their nodes: Delivery.Parents gives them.
	Parents map[string]any
	// Codec reads the payload and writes the result. Default: JSON.
	Codec rockqueue.Codec
}

// Worked is what a Worker did with a job.
type Worked struct {
	// Err is what it returned; for a panic, an error with its text.
	Err error
	// Outcome is what becomes of the job.
	Outcome Outcome
	// Error is what would be stored of a failure.
	Error rockqueue.JobError
	// ForGood is true for a failure that is not tried again.
	ForGood bool
	// Delay is that of Snooze or RetryAfter.
	Delay time.Duration
	// Progress is what was reported last; nil without a report.
	Progress *rockqueue.Progress
	// Logs are the lines that were logged on the job.
	Logs []string
	// FollowUps are the jobs that are pushed with the completion.
	FollowUps []*rockqueuepb.JobSpec

	result      []byte
	contentType string
	codec       rockqueue.Codec
}

// Work gives a Worker one job, without any server, and returns when it has worked on it; options may be nil. A context
// that ends is a job that was cancelled.
func Work[T rockqueue.JobArgs](
	ctx context.Context, tb testing.TB, worker rockqueue.Worker[T], args T, options *WorkOptions,
) *Worked {
	tb.Helper()
	if options == nil {
		options = &WorkOptions{}
	}
	codec := options.Codec
	if codec == nil {
		codec = rockqueue.JSONCodec{}
	}
	delivery := deliveryOf(tb, args, options, codec)
	trial, err := hooks.Try(ctx, func(workers any) {
		if own, ok := workers.(*rockqueue.Workers); ok {
			rockqueue.AddWorker(own, worker)
		}
	}, codec, delivery, parentsOf(tb, options, codec))
	if err != nil {
		tb.Fatalf("rockqueuetest: %v", err)
	}
	return workedFrom(trial, codec)
}

// Result stores what the handler returned in the value that into points to.
func (w *Worked) Result(into any) error { return w.codec.Decode(w.result, w.contentType, into) }

func deliveryOf(
	tb testing.TB, args rockqueue.JobArgs, options *WorkOptions, codec rockqueue.Codec,
) *rockqueuepb.Delivery {
	tb.Helper()
	data, contentType, err := codec.Encode(args)
	if err != nil {
		tb.Fatalf("rockqueuetest: the arguments cannot be written: %v", err)
	}
	delivery := &rockqueuepb.Delivery{
		JobId: "00000000-0000-7000-8000-000000000001", LeaseToken: []byte("test"),
		Attempt: cmp.Or(options.Attempt, 1), Failures: options.Failures, CreateTime: timestamppb.Now(),
		Spec: &rockqueuepb.JobSpec{
			Queue: rockqueue.DefaultQueue, Name: args.Kind(), Payload: data, ContentType: contentType,
		},
	}
	if push := options.Options; push != nil {
		delivery.Spec.Queue = cmp.Or(push.Queue, rockqueue.DefaultQueue)
		delivery.Spec.Headers, delivery.Spec.Tags, delivery.Spec.Priority = push.Headers, push.Tags, push.Priority
		delivery.Spec.Group = push.Group
	}
	if options.Parents != nil {
		delivery.Spec.Origin = &rockqueuepb.JobOrigin{FlowId: "00000000-0000-7000-8000-000000000002", FlowNode: args.Kind()}
	}
	return delivery
}

func parentsOf(tb testing.TB, options *WorkOptions, codec rockqueue.Codec) []any {
	tb.Helper()
	parents := make([]any, 0, len(options.Parents))
	for node, result := range options.Parents {
		data, contentType, err := codec.Encode(result)
		if err != nil {
			tb.Fatalf("rockqueuetest: the result of parent %q cannot be written: %v", node, err)
		}
		parents = append(parents, &rockqueuepb.ParentJob{
			Node: node, State: rockqueuepb.JobState_JOB_STATE_COMPLETED, Result: data, ResultContentType: contentType,
		})
	}
	return parents
}

func workedFrom(trial *hooks.Trial, codec rockqueue.Codec) *Worked {
	worked := &Worked{Err: trial.Err, codec: codec}
	settlement, _ := trial.Settlement.(*rockqueuepb.Settlement)
	switch outcome := settlement.GetOutcome().(type) {
	case *rockqueuepb.Settlement_Complete:
		worked.Outcome, worked.FollowUps = Completed, outcome.Complete.GetFollowUps()
		worked.result, worked.contentType = outcome.Complete.GetResult(), outcome.Complete.GetResultContentType()
	case *rockqueuepb.Settlement_Fail:
		fail := outcome.Fail
		worked.Outcome, worked.ForGood, worked.Delay = Failed, fail.GetNever(), fail.GetRetryDelay().AsDuration()
		worked.Error = rockqueue.JobError{
			Type: fail.GetError().GetType(), Message: fail.GetError().GetMessage(), Stack: fail.GetError().GetStack(),
		}
	case *rockqueuepb.Settlement_Snooze:
		worked.Outcome, worked.Delay = Snoozed, outcome.Snooze.GetDelay().AsDuration()
	case *rockqueuepb.Settlement_Release:
		worked.Outcome = Released
	case *rockqueuepb.Settlement_Cancelled:
		worked.Outcome = Cancelled
	}
	for _, one := range trial.Reports {
		report, _ := one.(*rockqueuepb.JobReport)
		worked.Logs = append(worked.Logs, report.GetLogLines()...)
		if report.GetPercent() != 0 || report.GetMessage() != "" {
			worked.Progress = &rockqueue.Progress{Percent: report.GetPercent(), Message: report.GetMessage()}
		}
	}
	return worked
}
