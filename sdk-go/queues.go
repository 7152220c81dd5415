package rockqueue

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// Queues looks after queues.
type Queues struct {
	client *Client
}

// Queues looks after queues: their settings, their counts, their groups, pausing them.
func (c *Client) Queues() Queues { return Queues{c} }

// Queue is a queue with its counts.
type Queue struct {
	// Name of the queue.
	Name string
	// Paused is true while deliveries are stopped.
	Paused bool
	// Counts say how many jobs are in each state.
	Counts QueueCounts
	// Workers is how many worker sessions are open on the queue now.
	Workers int32
	// BacklogBytes is how many bytes the jobs that are WAITING or DELAYED have: what MaxBacklogBytes limits.
	BacklogBytes int64
	// OldestReadyTime is the ready time of the job that has been WAITING longest; zero when none is.
	OldestReadyTime time.Time
	// CreateTime is when the queue came into being.
	CreateTime time.Time
	// Settings are those that were set; the others have their defaults.
	Settings QueueSettings
}

// QueueCounts say how many jobs of a queue are in each state; the finished ones as long as they are kept.
type QueueCounts struct {
	Waiting, Delayed, Active, Blocked, Completed, Dead, Cancelled int64
}

// QueueSettings are what can be set for a queue, at any time. In an update, what is nil stays as it is.
type QueueSettings struct {
	// DefaultRetry is for jobs that bring no policy. Default: exponential, 1 s, at most 1 h, jitter 0.1, 3 attempts.
	DefaultRetry *RetryPolicy
	// DefaultLease is for workers that ask for none: 1 s to 12 h. Default: 30 s.
	DefaultLease *time.Duration
	// CompletedRetention is how long COMPLETED jobs stay readable; 0 removes them at once. Default: 7 days.
	CompletedRetention *time.Duration
	// DeadRetention is how long DEAD jobs stay readable; 0 removes them at once. Default: 90 days.
	DeadRetention *time.Duration
	// CancelledRetention is how long CANCELLED jobs stay readable; 0 removes them at once. Default: 7 days.
	CancelledRetention *time.Duration
	// MaxActive is how many jobs may be ACTIVE at once, over all workers. Default: no limit.
	MaxActive *int32
	// Rate is how many deliveries there may be in a time. Default: no limit.
	Rate *RateLimit
	// GroupMaxActive is how many jobs of one group may be ACTIVE at once, for groups that set none; 1 also keeps the order
	// of each group strictly, retries included. Default: no limit.
	GroupMaxActive *int32
	// GroupRate is how many deliveries of one group there may be in a time, for groups that set none. Default: no limit.
	GroupRate *RateLimit
	// MaxBacklogJobs is how many jobs may be WAITING or DELAYED before pushes get ErrQueueFull. Default: no limit.
	MaxBacklogJobs *int64
	// MaxBacklogBytes is how many bytes the jobs that are WAITING or DELAYED may have together before pushes get
	// ErrQueueFull. Default: no limit.
	MaxBacklogBytes *int64
}

// List returns all queues whose name begins with prefix, by name. An error ends it.
func (q Queues) List(ctx context.Context, prefix string) iter.Seq2[*Queue, error] {
	return listing(func(token string) ([]*rockqueuepb.Queue, string, error) {
		page, err := q.client.queues.ListQueues(ctx, &rockqueuepb.ListQueuesRequest{Prefix: prefix, PageToken: token})
		return page.GetQueues(), page.GetNextPageToken(), err
	}, queueFrom)
}

// Get returns one queue with its counts. Errors: ErrQueueNotFound.
func (q Queues) Get(ctx context.Context, name string) (*Queue, error) {
	response, err := q.client.queues.GetQueue(ctx, &rockqueuepb.GetQueueRequest{Queue: name})
	if err != nil {
		return nil, err
	}
	return queueFrom(response.GetQueue()), nil
}

// Update changes settings, and makes the queue if need be. The settings named in reset, by their proto name
// ("max_active"), go back to their default.
func (q Queues) Update(ctx context.Context, name string, settings QueueSettings, reset ...string) (*Queue, error) {
	message, err := settings.proto()
	if err != nil {
		return nil, err
	}
	response, err := q.client.queues.UpdateQueue(ctx, &rockqueuepb.UpdateQueueRequest{
		RequestId: newRequestID(), Queue: name, Settings: message, Reset_: reset,
	})
	if err != nil {
		return nil, err
	}
	return queueFrom(response.GetQueue()), nil
}

// Pause stops deliveries until Resume; pushes go on, running jobs finish. Errors: ErrQueueNotFound.
func (q Queues) Pause(ctx context.Context, name string) (*Queue, error) {
	request := &rockqueuepb.PauseQueueRequest{RequestId: newRequestID(), Queue: name}
	response, err := q.client.queues.PauseQueue(ctx, request)
	if err != nil {
		return nil, err
	}
	return queueFrom(response.GetQueue()), nil
}

// Resume lets deliveries go on. Errors: ErrQueueNotFound.
func (q Queues) Resume(ctx context.Context, name string) (*Queue, error) {
	request := &rockqueuepb.ResumeQueueRequest{RequestId: newRequestID(), Queue: name}
	response, err := q.client.queues.ResumeQueue(ctx, request)
	if err != nil {
		return nil, err
	}
	return queueFrom(response.GetQueue()), nil
}

// Purge removes the jobs in these states (without any: WAITING and DELAYED), and returns how many. Errors:
// ErrQueueNotFound.
func (q Queues) Purge(ctx context.Context, name string, states ...JobState) (int64, error) {
	request := &rockqueuepb.PurgeQueueRequest{RequestId: newRequestID(), Queue: name}
	for _, state := range states {
		number, err := state.proto()
		if err != nil {
			return 0, err
		}
		request.States = append(request.States, number)
	}
	response, err := q.client.queues.PurgeQueue(ctx, request)
	if err != nil {
		return 0, err
	}
	return response.GetPurged(), nil
}

func (s *QueueSettings) proto() (*rockqueuepb.QueueSettings, error) {
	message := &rockqueuepb.QueueSettings{
		DefaultLease:       durationOrNil(s.DefaultLease),
		CompletedRetention: durationOrNil(s.CompletedRetention),
		DeadRetention:      durationOrNil(s.DeadRetention),
		CancelledRetention: durationOrNil(s.CancelledRetention),
		MaxActive:          s.MaxActive,
		MaxBacklogJobs:     s.MaxBacklogJobs,
		MaxBacklogBytes:    s.MaxBacklogBytes,
		Rate:               s.Rate.proto(),
		GroupMaxActive:     s.GroupMaxActive,
		GroupRate:          s.GroupRate.proto(),
	}
	var err error
	if s.DefaultRetry != nil {
		message.DefaultRetry, err = s.DefaultRetry.proto()
	}
	return message, err
}

func queueFrom(queue *rockqueuepb.Queue) *Queue {
	counts, settings := queue.GetCounts(), queue.GetSettings()
	made := &Queue{
		Name: queue.GetName(), Paused: queue.GetPaused(), Workers: queue.GetWorkers(),
		OldestReadyTime: moment(queue.GetOldestReadyTime()), CreateTime: moment(queue.GetCreateTime()),
		BacklogBytes: queue.GetBacklogBytes(),
		Counts: QueueCounts{
			Waiting: counts.GetWaiting(), Delayed: counts.GetDelayed(), Active: counts.GetActive(),
			Blocked: counts.GetBlocked(), Completed: counts.GetCompleted(), Dead: counts.GetDead(),
			Cancelled: counts.GetCancelled(),
		},
	}
	if settings != nil {
		made.Settings = QueueSettings{
			DefaultRetry:       policyFrom(settings.GetDefaultRetry()),
			DefaultLease:       durationFrom(settings.GetDefaultLease()),
			CompletedRetention: durationFrom(settings.GetCompletedRetention()),
			DeadRetention:      durationFrom(settings.GetDeadRetention()),
			CancelledRetention: durationFrom(settings.GetCancelledRetention()),
			MaxActive:          settings.MaxActive,
			MaxBacklogJobs:     settings.MaxBacklogJobs,
			MaxBacklogBytes:    settings.MaxBacklogBytes,
			Rate:               rateFrom(settings.GetRate()),
			GroupMaxActive:     settings.GroupMaxActive,
			GroupRate:          rateFrom(settings.GetGroupRate()),
		}
	}
	return made
}

func policyFrom(policy *rockqueuepb.RetryPolicy) *RetryPolicy {
	if policy == nil {
		return nil
	}
	kinds := map[rockqueuepb.BackoffKind]Backoff{
		rockqueuepb.BackoffKind_BACKOFF_KIND_FIXED:       BackoffFixed,
		rockqueuepb.BackoffKind_BACKOFF_KIND_LINEAR:      BackoffLinear,
		rockqueuepb.BackoffKind_BACKOFF_KIND_EXPONENTIAL: BackoffExponential,
	}
	return &RetryPolicy{
		Backoff: kinds[policy.GetKind()], Base: durationFrom(policy.GetBase()),
		MaxDelay: durationFrom(policy.GetMaxDelay()), Jitter: policy.Jitter, MaxAttempts: policy.GetMaxAttempts(),
	}
}

func durationFrom(duration *durationpb.Duration) *time.Duration {
	if duration == nil {
		return nil
	}
	return new(duration.AsDuration())
}
