package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehook"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/rockqueue/rockqueue/conformance-tests/drivers/go/driverpb"
)

var kinds = map[string]error{
	"InvalidRequest": rockqueue.ErrInvalidRequest, "LimitExceeded": rockqueue.ErrLimitExceeded,
	"PayloadError": rockqueue.ErrPayload, "NotFound": rockqueue.ErrNotFound, "JobNotFound": rockqueue.ErrJobNotFound,
	"QueueNotFound": rockqueue.ErrQueueNotFound, "InvalidState": rockqueue.ErrInvalidState,
	"LeaseLost": rockqueue.ErrLeaseLost, "UniqueConflict": rockqueue.ErrUniqueConflict,
	"ResourceExhausted": rockqueue.ErrResourceExhausted, "QueueFull": rockqueue.ErrQueueFull,
	"StorageFull": rockqueue.ErrStorageFull, "Overloaded": rockqueue.ErrOverloaded,
	"CursorExpired": rockqueue.ErrCursorExpired, "Unavailable": rockqueue.ErrUnavailable,
	"DeadlineExceeded": context.DeadlineExceeded, "ServerError": rockqueue.ErrServer,
	"JobFailed": rockqueue.ErrJobFailed, "ClientClosed": rockqueue.ErrClientClosed,
	"ScheduleNotFound": rockqueue.ErrScheduleNotFound, "FlowNotFound": rockqueue.ErrFlowNotFound,
	"FlowCycle": rockqueue.ErrFlowCycle, "WebhookNotFound": rockqueue.ErrWebhookNotFound,
	"WebhookDeliveryNotFound": rockqueue.ErrWebhookDeliveryNotFound, "BackupExists": rockqueue.ErrBackupExists,
	"BackupsOff": rockqueue.ErrBackupsOff, "WebhookVerification": rockqueuehook.ErrVerification,
}

func errorOut(err error) *pb.Error {
	out := &pb.Error{Message: err.Error()}
	for name, kind := range kinds {
		if errors.Is(err, kind) {
			out.Kinds = append(out.Kinds, name)
		}
	}
	if known, ok := errors.AsType[*rockqueue.Error](err); ok {
		out.Kinds = append(out.Kinds, "RockQueueError")
		out.Code, out.Reason, out.Metadata = code.Code(known.Code).String(), known.Reason, known.Metadata
		out.RequestId, out.OutcomeUnknown = known.RequestID, known.OutcomeUnknown
		if known.RetryAfter != 0 {
			out.RetryAfter = durationpb.New(known.RetryAfter)
		}
		for _, one := range known.Violations {
			out.Fields = append(out.Fields, one.Field)
		}
	} else if failed, ok := errors.AsType[*rockqueue.JobFailedError](err); ok {
		out.Kinds, out.Job = append(out.Kinds, "RockQueueError"), jobOut(failed.Job)
	} else if len(out.Kinds) == 0 {
		out.Kinds = []string{"Usage"}
	}
	return out
}

func valueIn(value *pb.Value) (any, error) {
	switch given := value.GetValue().(type) {
	case *pb.Value_Json:
		decoder := json.NewDecoder(strings.NewReader(given.Json))
		decoder.UseNumber()
		var parsed any
		err := decoder.Decode(&parsed)
		return parsed, err
	case *pb.Value_Raw:
		return given.Raw, nil
	case *pb.Value_Letters:
		return strings.Repeat("x", int(given.Letters)), nil
	case *pb.Value_Unwritable:
		return math.NaN(), nil
	}
	return nil, nil
}

// valueOut is a value that the SDK gave by one of its Unmarshal methods.
func valueOut(unmarshal func(into any) error) *pb.Value {
	var value any
	if err := unmarshal(&value); err != nil {
		return &pb.Value{Value: &pb.Value_Undecodable{Undecodable: errorOut(err)}}
	}
	if raw, ok := value.([]byte); ok {
		return &pb.Value{Value: &pb.Value_Raw{Raw: raw}}
	}
	text, _ := json.Marshal(value)
	return &pb.Value{Value: &pb.Value_Json{Json: string(text)}}
}

func newJob(job *pb.NewJob) (rockqueue.NewJob, error) {
	payload, err := valueIn(job.GetPayload())
	options := &rockqueue.PushOptions{
		Queue: job.GetQueue(), Priority: job.GetPriority(), Delay: job.GetDelay().AsDuration(), RunTime: timeIn(job.GetRunTime()),
		TTL: job.GetTtl().AsDuration(), ExpireTime: timeIn(job.GetExpireTime()), Timeout: job.GetTimeout().AsDuration(),
		Retry: policyIn(job.GetRetry()), MaxAttempts: job.GetMaxAttempts(), MaxCrashes: job.GetMaxCrashes(),
		Group: job.GetGroup(), Headers: job.GetHeaders(), Tags: job.GetTags(), CancelGrace: durationIn(job.GetCancelGrace()),
		Retention: durationIn(job.GetRetention()),
	}
	if unique := job.GetUnique(); unique != nil {
		options.Unique = &rockqueue.Unique{
			Key: unique.GetKey(), Scope: rockqueue.UniqueScope(unique.GetScope()), Until: rockqueue.UniqueUntil(unique.GetUntil()),
			Window: unique.GetWindow().AsDuration(), OnConflict: rockqueue.UniqueConflict(unique.GetOnConflict()),
		}
	}
	return rockqueue.NewJob{Args: rockqueue.NamedArgs{Name: job.GetName(), Payload: payload}, Options: options}, err
}

func policyIn(policy *pb.RetryPolicy) *rockqueue.RetryPolicy {
	if policy == nil {
		return nil
	}
	return &rockqueue.RetryPolicy{
		Backoff: rockqueue.Backoff(policy.GetKind()), Base: durationIn(policy.GetBase()),
		MaxDelay: durationIn(policy.GetMaxDelay()), Jitter: policy.Jitter, MaxAttempts: policy.GetMaxAttempts(),
	}
}

func rateIn(limit *pb.RateLimit) *rockqueue.RateLimit {
	if limit == nil {
		return nil
	}
	return &rockqueue.RateLimit{Count: limit.GetCount(), Period: limit.GetPeriod().AsDuration(), Burst: limit.GetBurst()}
}

func filterIn(filter *pb.JobFilter) rockqueue.JobFilter {
	return rockqueue.JobFilter{
		Queue: filter.GetQueue(), State: rockqueue.JobState(filter.GetState()), Name: filter.GetName(), Tags: filter.GetTags(),
		CreatedFrom: timeIn(filter.GetCreatedFrom()), CreatedBefore: timeIn(filter.GetCreatedBefore()),
		Group: filter.GetGroup(), FlowID: filter.GetFlowId(), Schedule: filter.GetSchedule(),
	}
}

func durationIn(duration *durationpb.Duration) *time.Duration {
	if duration == nil {
		return nil
	}
	return new(duration.AsDuration())
}

func timeIn(stamp *timestamppb.Timestamp) time.Time {
	if stamp == nil {
		return time.Time{}
	}
	return stamp.AsTime()
}

func timeOut(moment time.Time) *timestamppb.Timestamp {
	if moment.IsZero() {
		return nil
	}
	return timestamppb.New(moment)
}

func pushedOut(one rockqueue.PushedJob) *pb.PushOutcome {
	pushed := &pb.PushedJob{Id: one.ID, Existing: one.Existing, Replaced: one.Replaced}
	return &pb.PushOutcome{Outcome: &pb.PushOutcome_Pushed{Pushed: pushed}}
}

func progressOut(progress *rockqueue.Progress) *pb.Progress {
	if progress == nil {
		return nil
	}
	return &pb.Progress{Percent: progress.Percent, Message: progress.Message}
}

func jobOut(job *rockqueue.JobInfo) *pb.Job {
	out := &pb.Job{
		Id: job.ID, Queue: job.Queue, Name: job.Name, State: string(job.State), Priority: job.Priority, Attempt: job.Attempt,
		Failures: job.Failures, Crashes: job.Crashes, Releases: job.Releases, Snoozes: job.Snoozes,
		DeadReason: string(job.DeadReason), Progress: progressOut(job.Progress), Headers: job.Headers, Tags: job.Tags,
		Worker: job.Worker, CancelRequested: job.CancelRequested, CreateTime: timeOut(job.CreateTime),
		ReadyTime: timeOut(job.ReadyTime), StartTime: timeOut(job.StartTime), FinishTime: timeOut(job.FinishTime),
		PurgeTime: timeOut(job.PurgeTime), Payload: valueOut(job.UnmarshalArgs), Result: valueOut(job.UnmarshalResult),
		Group: job.Group, Schedule: job.Origin.Schedule, SlotTime: timeOut(job.Origin.SlotTime),
		FlowId: job.Origin.FlowID, FlowNode: job.Origin.FlowNode, PendingParents: job.PendingParents,
	}
	for _, one := range job.Errors {
		out.Errors = append(out.Errors, &pb.AttemptError{
			Attempt: one.Attempt, Type: one.Err.Type, Message: one.Err.Message, Stack: one.Err.Stack,
		})
	}
	return out
}

func queueOut(queue *rockqueue.Queue) *pb.Queue {
	return &pb.Queue{
		Name: queue.Name, Paused: queue.Paused, Waiting: queue.Counts.Waiting, Delayed: queue.Counts.Delayed,
		Active: queue.Counts.Active, Completed: queue.Counts.Completed, Dead: queue.Counts.Dead,
		Cancelled: queue.Counts.Cancelled, Workers: queue.Workers, MaxActive: queue.Settings.MaxActive,
		MaxBacklogJobs: queue.Settings.MaxBacklogJobs, MaxBacklogBytes: queue.Settings.MaxBacklogBytes,
		BacklogBytes: queue.BacklogBytes, CreateTime: timeOut(queue.CreateTime), OldestReadyTime: timeOut(queue.OldestReadyTime),
	}
}

func eventOut(event rockqueue.Event) *pb.Event {
	out := &pb.Event{
		Cursor: event.Cursor, Type: string(event.Type), Time: timeOut(event.Time), Queue: event.Queue, JobId: event.JobID,
		Name: event.Name, State: string(event.State), Attempt: event.Attempt, DeadReason: string(event.DeadReason),
		Worker: event.Worker, Progress: progressOut(event.Progress), Purged: event.Purged, FlowId: event.FlowID,
		FlowState: string(event.FlowState), Schedule: event.Schedule, SlotTime: timeOut(event.SlotTime),
	}
	if event.Err != nil {
		out.ErrorType, out.ErrorMessage = event.Err.Type, event.Err.Message
	}
	return out
}
