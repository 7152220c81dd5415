package rockqueue

import (
	"strings"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// JobState is where a job is in its life; JobUnknown stands for a state that a newer server has and this version does
// not.
type JobState string

// The states of a job.
const (
	JobWaiting   JobState = "WAITING"
	JobDelayed   JobState = "DELAYED"
	JobActive    JobState = "ACTIVE"
	JobBlocked   JobState = "BLOCKED"
	JobCompleted JobState = "COMPLETED"
	JobDead      JobState = "DEAD"
	JobCancelled JobState = "CANCELLED"
	JobUnknown   JobState = "UNKNOWN"
)

// Finished is true for COMPLETED, DEAD and CANCELLED.
func (s JobState) Finished() bool { return s == JobCompleted || s == JobDead || s == JobCancelled }

// DeadReason is why a job is DEAD.
type DeadReason string

// The reasons for which jobs are given up.
const (
	DeadAttemptsExhausted DeadReason = "ATTEMPTS_EXHAUSTED"
	DeadNonRetryable      DeadReason = "NON_RETRYABLE"
	DeadExpired           DeadReason = "EXPIRED"
	DeadParentFailed      DeadReason = "PARENT_FAILED"
	DeadPoisoned          DeadReason = "POISONED"
	DeadUnknown           DeadReason = "UNKNOWN"
)

// EventType is what happened.
type EventType string

// The types of events.
const (
	EventJobPushed     EventType = "JOB_PUSHED"
	EventJobBlocked    EventType = "JOB_BLOCKED"
	EventJobDelayed    EventType = "JOB_DELAYED"
	EventJobReady      EventType = "JOB_READY"
	EventJobStarted    EventType = "JOB_STARTED"
	EventJobProgressed EventType = "JOB_PROGRESSED"
	EventJobFailed     EventType = "JOB_FAILED"
	EventJobCrashed    EventType = "JOB_CRASHED"
	EventJobRetried    EventType = "JOB_RETRIED"
	EventJobCompleted  EventType = "JOB_COMPLETED"
	EventJobDead       EventType = "JOB_DEAD"
	EventJobCancelled  EventType = "JOB_CANCELLED"
	EventJobExpired    EventType = "JOB_EXPIRED"
	EventJobReleased   EventType = "JOB_RELEASED"
	EventJobSnoozed    EventType = "JOB_SNOOZED"
	EventJobReplaced   EventType = "JOB_REPLACED"
	EventJobDeleted    EventType = "JOB_DELETED"
	EventQueuePaused   EventType = "QUEUE_PAUSED"
	EventQueueResumed  EventType = "QUEUE_RESUMED"
	EventQueuePurged   EventType = "QUEUE_PURGED"
	EventQueueUpdated  EventType = "QUEUE_UPDATED"
	EventWorkerJoined  EventType = "WORKER_JOINED"
	EventWorkerLeft    EventType = "WORKER_LEFT"

	EventFlowFinished    EventType = "FLOW_FINISHED"
	EventScheduleUpdated EventType = "SCHEDULE_UPDATED"
	EventScheduleFired   EventType = "SCHEDULE_FIRED"
	EventScheduleSkipped EventType = "SCHEDULE_SKIPPED"
	EventSchedulePaused  EventType = "SCHEDULE_PAUSED"
	EventScheduleResumed EventType = "SCHEDULE_RESUMED"
	EventScheduleDeleted EventType = "SCHEDULE_DELETED"

	// EventUnknown stands for a type that a newer server has and this version does not, in the log of a webhook; streams
	// skip such events.
	EventUnknown EventType = "UNKNOWN"
)

const (
	statePrefix      = "JOB_STATE_"
	deadReasonPrefix = "DEAD_REASON_"
	eventTypePrefix  = "EVENT_TYPE_"
)

func stateFrom(number rockqueuepb.JobState) JobState {
	if name, ok := rockqueuepb.JobState_name[int32(number)]; ok && number != 0 {
		return JobState(strings.TrimPrefix(name, statePrefix))
	}
	return JobUnknown
}

func (s JobState) proto() (rockqueuepb.JobState, error) {
	if s == "" {
		return rockqueuepb.JobState_JOB_STATE_UNSPECIFIED, nil
	}
	number, ok := rockqueuepb.JobState_value[statePrefix+string(s)]
	if !ok {
		return 0, misuse("%q is not a state of a job", s)
	}
	return rockqueuepb.JobState(number), nil
}

func deadReasonFrom(number rockqueuepb.DeadReason) DeadReason {
	if number == rockqueuepb.DeadReason_DEAD_REASON_UNSPECIFIED {
		return ""
	}
	if name, ok := rockqueuepb.DeadReason_name[int32(number)]; ok {
		return DeadReason(strings.TrimPrefix(name, deadReasonPrefix))
	}
	return DeadUnknown
}

func eventTypeFrom(number rockqueuepb.EventType) EventType {
	if name, ok := rockqueuepb.EventType_name[int32(number)]; ok && number != 0 {
		return EventType(strings.TrimPrefix(name, eventTypePrefix))
	}
	return EventUnknown
}

func (t EventType) proto() (rockqueuepb.EventType, error) {
	number, ok := rockqueuepb.EventType_value[eventTypePrefix+string(t)]
	if !ok || number == 0 {
		return 0, misuse("%q is not a type of event", t)
	}
	return rockqueuepb.EventType(number), nil
}
