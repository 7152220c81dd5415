package rockqueue

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// JobInfo is a job as the server knows it. Moments that have not come are the zero Time.
type JobInfo struct {
	// ID is a UUIDv7, given by the server. Later pushes have greater ids.
	ID string
	// Queue is where the job waits.
	Queue string
	// Name is the kind of job.
	Name string
	// State is where the job is in its life.
	State JobState
	// Priority: higher first.
	Priority int32
	// Payload is the handler's input as it came; empty in listings without IncludePayload. See UnmarshalArgs.
	Payload []byte
	// ContentType is the media type of Payload.
	ContentType string
	// Result is what the handler returned, in a COMPLETED job; empty in listings without IncludePayload.
	Result []byte
	// ResultContentType is the media type of Result.
	ResultContentType string
	// Headers travel with the job beside its payload.
	Headers map[string]string
	// Tags are labels to find the job by.
	Tags []string
	// Attempt is the number of the current or last delivery; 0 before the first.
	Attempt int32
	// Failures counts attempts that failed or timed out, against MaxAttempts.
	Failures int32
	// Crashes counts deliveries that ended with the worker gone, against MaxCrashes.
	Crashes int32
	// Releases counts deliveries that were given back, against nothing.
	Releases int32
	// Snoozes counts deliveries that were put off, against nothing.
	Snoozes int32
	// DeadReason is why the job is DEAD; empty in other states.
	DeadReason DeadReason
	// Errors are the last 20 attempts that did not succeed, oldest first.
	Errors []AttemptError
	// Progress is what the handler last reported; nil before the first report.
	Progress *Progress
	// Worker is the name of the worker that holds or last held the job.
	Worker string
	// Group is the group that the job belongs to; empty for none.
	Group string
	// Origin is the schedule or the flow that pushed the job; the zero value when a caller did.
	Origin Origin
	// PendingParents is how many parents of a BLOCKED job are not finished.
	PendingParents int32
	// CancelRequested is true once a cancel was asked for and the handler has not settled yet.
	CancelRequested bool
	// CreateTime is when the push was committed.
	CreateTime time.Time
	// ReadyTime is when the job became or becomes ready; set in WAITING and DELAYED.
	ReadyTime time.Time
	// StartTime is when the current or last attempt was delivered.
	StartTime time.Time
	// FinishTime is when the job was finished.
	FinishTime time.Time
	// PurgeTime is when the finished job will be forgotten.
	PurgeTime time.Time

	codec   Codec
	message *rockqueuepb.Job
}

// Origin is what pushed a job, if it was not a caller.
type Origin struct {
	// Schedule is the name of the schedule that fired; empty for none.
	Schedule string
	// SlotTime is the due moment of the schedule that the job stands for, without jitter; of a trigger, its moment.
	SlotTime time.Time
	// FlowID is the flow that the job is part of; empty for none.
	FlowID string
	// FlowNode is the job's name in its flow.
	FlowNode string
}

// AttemptError is one attempt that did not succeed.
type AttemptError struct {
	// Attempt is the number of the delivery.
	Attempt int32
	// Time is when the attempt ended.
	Time time.Time
	// Err is what went wrong. For a timeout its Type is "TIMEOUT", for a worker that went away "CRASHED".
	Err JobError
	// Worker is the name of the worker that had the job.
	Worker string
}

// JobError is what went wrong in a handler, as it is stored with the job. A handler that returns one chooses what is
// stored; other errors are stored with their Go type and their text.
type JobError struct {
	// Type is the kind of error: at most 256 characters.
	Type string
	// Message is what people read: at most 8 KiB.
	Message string
	// Stack is the stack trace, if any: at most 32 KiB.
	Stack string
}

// Error returns type and message.
func (e JobError) Error() string { return e.Type + ": " + e.Message }

// Progress is how far a handler says it is.
type Progress struct {
	// Percent is 0 to 100.
	Percent float64
	// Message is a line for people.
	Message string
	// Time is when the server took the report.
	Time time.Time
}

// JobLogs are the last lines that the handlers of a job logged, oldest first.
type JobLogs struct {
	// Lines are at most 1,000, and 64 KiB.
	Lines []LogLine
	// Dropped is how many older lines there were.
	Dropped int64
}

// LogLine is one line that a handler logged on its job.
type LogLine struct {
	// Time is when the server took the line.
	Time time.Time
	// Text is at most 4 KiB.
	Text string
	// Attempt is the delivery that wrote it.
	Attempt int32
}

// UnmarshalArgs stores the job's arguments in the value that into points to.
func (j *JobInfo) UnmarshalArgs(into any) error {
	if err := j.codec.Decode(j.Payload, j.ContentType, into); err != nil {
		return payloadError("the payload of job "+j.ID+" cannot be read", err)
	}
	return nil
}

// UnmarshalResult stores what the handler returned in the value that into points to; nothing when it returned nothing.
func (j *JobInfo) UnmarshalResult(into any) error {
	if err := j.codec.Decode(j.Result, j.ResultContentType, into); err != nil {
		return payloadError("the result of job "+j.ID+" cannot be read", err)
	}
	return nil
}

// Proto returns the job as the contract carries it. It must not be changed.
func (j *JobInfo) Proto() *rockqueuepb.Job { return j.message }

// String is for logs: name, id and state.
func (j *JobInfo) String() string { return fmt.Sprintf("%s %s (%s)", j.Name, j.ID, j.State) }

func jobFrom(job *rockqueuepb.Job, codec Codec) *JobInfo {
	spec := job.GetSpec()
	info := &JobInfo{
		ID: job.GetId(), Queue: spec.GetQueue(), Name: spec.GetName(), State: stateFrom(job.GetState()),
		Priority: spec.GetPriority(), Payload: spec.GetPayload(), ContentType: spec.GetContentType(),
		Result: job.GetResult(), ResultContentType: job.GetResultContentType(),
		Headers: spec.GetHeaders(), Tags: spec.GetTags(),
		Attempt: job.GetAttempt(), Failures: job.GetFailures(), Crashes: job.GetCrashes(),
		Releases: job.GetReleases(), Snoozes: job.GetSnoozes(),
		DeadReason: deadReasonFrom(job.GetDeadReason()), Progress: progressFrom(job.GetProgress()),
		Worker: job.GetWorker(), CancelRequested: job.GetCancelRequested(),
		Group: spec.GetGroup(), Origin: originFrom(spec.GetOrigin()), PendingParents: job.GetPendingParents(),
		CreateTime: moment(job.GetCreateTime()), ReadyTime: moment(job.GetReadyTime()),
		StartTime: moment(job.GetStartTime()), FinishTime: moment(job.GetFinishTime()),
		PurgeTime: moment(job.GetPurgeTime()),
		codec:     codec, message: job,
	}
	for _, one := range job.GetErrors() {
		info.Errors = append(info.Errors, AttemptError{
			Attempt: one.GetAttempt(), Time: moment(one.GetTime()), Err: jobErrorFrom(one.GetError()),
			Worker: one.GetWorker(),
		})
	}
	return info
}

func originFrom(origin *rockqueuepb.JobOrigin) Origin {
	return Origin{
		Schedule: origin.GetSchedule(), SlotTime: moment(origin.GetSlotTime()),
		FlowID: origin.GetFlowId(), FlowNode: origin.GetFlowNode(),
	}
}

func jobErrorFrom(err *rockqueuepb.JobError) JobError {
	return JobError{Type: err.GetType(), Message: err.GetMessage(), Stack: err.GetStack()}
}

func progressFrom(progress *rockqueuepb.JobProgress) *Progress {
	if progress == nil {
		return nil
	}
	return &Progress{Percent: progress.GetPercent(), Message: progress.GetMessage(), Time: moment(progress.GetTime())}
}

// moment is the zero Time for a timestamp that is not set.
func moment(stamp *timestamppb.Timestamp) time.Time {
	if stamp == nil {
		return time.Time{}
	}
	return stamp.AsTime()
}

// stampOrNil is no timestamp for the zero Time.
func stampOrNil(moment time.Time) *timestamppb.Timestamp {
	if moment.IsZero() {
		return nil
	}
	return timestamppb.New(moment)
}
