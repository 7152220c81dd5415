package rockqueue

import (
	"context"
	"time"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// ExplanationKind is why a job is where it is.
type ExplanationKind string

// The reasons that a server gives.
const (
	ExplainFinished       ExplanationKind = "FINISHED"
	ExplainRunning        ExplanationKind = "RUNNING"
	ExplainCancelling     ExplanationKind = "CANCELLING"
	ExplainDelayed        ExplanationKind = "DELAYED"
	ExplainBlocked        ExplanationKind = "BLOCKED"
	ExplainQueuePaused    ExplanationKind = "QUEUE_PAUSED"
	ExplainQueueMaxActive ExplanationKind = "QUEUE_MAX_ACTIVE"
	ExplainQueueRate      ExplanationKind = "QUEUE_RATE"
	ExplainGroupMaxActive ExplanationKind = "GROUP_MAX_ACTIVE"
	ExplainGroupRate      ExplanationKind = "GROUP_RATE"
	ExplainNoWorker       ExplanationKind = "NO_WORKER"
	ExplainWorkersBusy    ExplanationKind = "WORKERS_BUSY"
	ExplainBehind         ExplanationKind = "BEHIND"
	ExplainNext           ExplanationKind = "NEXT"
	ExplainEmpty          ExplanationKind = "EMPTY"
	ExplainUnknown        ExplanationKind = unknownName
)

// Explanation is one reason why a job is where it is, or why a queue delivers nothing.
type Explanation struct {
	// Kind is which reason.
	Kind ExplanationKind
	// Message is for people: what holds the job, with figures, and what to do about it. It may change.
	Message string
	// UntilTime comes with DELAYED, QUEUE_RATE and GROUP_RATE.
	UntilTime time.Time
	// JobIDs come with BLOCKED: the parents that are not finished, up to 100.
	JobIDs []string
	// Count comes with QUEUE_MAX_ACTIVE and GROUP_MAX_ACTIVE: the limit; with BEHIND: how many jobs come first, up to 10,000.
	Count int64
	// Worker comes with RUNNING and CANCELLING: its name.
	Worker string
}

// JobExplanation is why a job is where it is.
type JobExplanation struct {
	// State is the job's.
	State JobState
	// Reasons are all that hold now, the one that will last longest first. Never empty.
	Reasons []Explanation
}

// Explain tells why a job is not running, or that it is. Errors: ErrJobNotFound.
func (c *Client) Explain(ctx context.Context, jobID string) (*JobExplanation, error) {
	response, err := c.jobs.ExplainJob(ctx, &rockqueuepb.ExplainJobRequest{JobId: jobID})
	if err != nil {
		return nil, err
	}
	return &JobExplanation{State: stateFrom(response.GetState()), Reasons: explanationsFrom(response.GetReasons())}, nil
}

// Explain tells why a queue delivers nothing now, or that it could: the reason that will last longest first. Errors:
// ErrQueueNotFound.
func (q Queues) Explain(ctx context.Context, queue string) ([]Explanation, error) {
	response, err := q.client.queues.ExplainQueue(ctx, &rockqueuepb.ExplainQueueRequest{Queue: queue})
	if err != nil {
		return nil, err
	}
	return explanationsFrom(response.GetReasons()), nil
}

func explanationsFrom(reasons []*rockqueuepb.Explanation) []Explanation {
	made := make([]Explanation, len(reasons))
	for index, one := range reasons {
		kind := ExplanationKind(nameOf(one.GetKind(), rockqueuepb.ExplanationKind_name, "EXPLANATION_KIND_"))
		if kind == "" {
			kind = ExplainUnknown
		}
		made[index] = Explanation{
			Kind: kind, Message: one.GetMessage(), UntilTime: moment(one.GetUntilTime()), JobIDs: one.GetJobIds(),
			Count: one.GetCount(), Worker: one.GetWorker(),
		}
	}
	return made
}
