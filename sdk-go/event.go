package rockqueue

import (
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// EventFilter says which events a webhook sends. Every field that is set must match; within a list, one match is enough. At
// most 100 entries in each list.
type EventFilter struct {
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
}

// ParseEvent reads an event from proto3 JSON: the data of a webhook's request. What this version does not know is left
// out; a type that it does not know is EventUnknown.
func ParseEvent(data []byte) (Event, error) {
	message := &rockqueuepb.Event{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, message); err != nil {
		return Event{}, payloadError("this is not an event", err)
	}
	return eventFrom(message), nil
}

func (f *EventFilter) proto() (*rockqueuepb.EventFilter, error) {
	filter := &rockqueuepb.EventFilter{
		Queues: f.Queues, Names: f.Names, JobIds: f.JobIDs, FlowIds: f.FlowIDs, Schedules: f.Schedules,
	}
	for _, kind := range f.Types {
		number, err := kind.proto()
		if err != nil {
			return nil, err
		}
		filter.Types = append(filter.Types, number)
	}
	return filter, nil
}

func eventFilterFrom(filter *rockqueuepb.EventFilter) EventFilter {
	made := EventFilter{
		Queues: filter.GetQueues(), Names: filter.GetNames(), JobIDs: filter.GetJobIds(),
		FlowIDs: filter.GetFlowIds(), Schedules: filter.GetSchedules(),
	}
	for _, kind := range filter.GetTypes() {
		made.Types = append(made.Types, eventTypeFrom(kind))
	}
	return made
}

func eventFrom(event *rockqueuepb.Event) Event {
	made := Event{
		Cursor: event.GetCursor(), Type: eventTypeFrom(event.GetType()), Time: moment(event.GetTime()),
		Queue: event.GetQueue(), JobID: event.GetJobId(), Name: event.GetName(), Attempt: event.GetAttempt(),
		DeadReason: deadReasonFrom(event.GetDeadReason()), ReadyTime: moment(event.GetReadyTime()),
		Progress: progressFrom(event.GetProgress()), Worker: event.GetWorker(), Purged: event.GetPurged(),
		FlowID: event.GetFlowId(), Schedule: event.GetSchedule(), SlotTime: moment(event.GetSlotTime()),
	}
	if event.GetState() != rockqueuepb.JobState_JOB_STATE_UNSPECIFIED {
		made.State = stateFrom(event.GetState())
	}
	if event.GetFlowState() != rockqueuepb.FlowState_FLOW_STATE_UNSPECIFIED {
		made.FlowState = flowStateFrom(event.GetFlowState())
	}
	if event.GetError() != nil {
		made.Err = new(jobErrorFrom(event.GetError()))
	}
	return made
}
