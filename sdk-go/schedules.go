package rockqueue

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// Schedules looks after schedules.
type Schedules struct {
	client *Client
}

// Schedules looks after schedules: jobs that come again and again.
//
//	_, err := client.Schedules().Put(ctx, rockqueue.NewSchedule{
//		Name: "nightly-digest", Cron: "0 3 * * *", TimeZone: "Europe/London", Args: Digest{},
//	})
func (c *Client) Schedules() Schedules { return Schedules{c} }

// Put makes a schedule, or replaces the one of its name, which keeps its counts and whether it is paused. A program can put
// its schedules each time it starts. Schedule.Created tells whether it is new. Errors: ErrInvalidRequest, ErrPayload.
func (s Schedules) Put(ctx context.Context, schedule NewSchedule) (*Schedule, error) {
	spec, err := schedule.proto(s.client.config.Codec)
	if err != nil {
		return nil, err
	}
	response, err := s.client.schedules.PutSchedule(ctx, &rockqueuepb.PutScheduleRequest{
		RequestId: newRequestID(), Schedule: spec,
	})
	if err != nil {
		return nil, err
	}
	made := s.from(response.GetSchedule())
	made.Created = response.GetCreated()
	return made, nil
}

// Get returns one schedule. Errors: ErrScheduleNotFound.
func (s Schedules) Get(ctx context.Context, name string) (*Schedule, error) {
	response, err := s.client.schedules.GetSchedule(ctx, &rockqueuepb.GetScheduleRequest{Name: name})
	return s.answer(response, err)
}

// List returns all schedules whose name begins with prefix, by name. An error ends it.
func (s Schedules) List(ctx context.Context, prefix string) iter.Seq2[*Schedule, error] {
	return listing(func(token string) ([]*rockqueuepb.Schedule, string, error) {
		page, err := s.client.schedules.ListSchedules(ctx, &rockqueuepb.ListSchedulesRequest{
			Prefix: prefix, PageToken: token,
		})
		return page.GetSchedules(), page.GetNextPageToken(), err
	}, s.from)
}

// Delete removes a schedule; the jobs that it pushed stay. Errors: ErrScheduleNotFound.
func (s Schedules) Delete(ctx context.Context, name string) error {
	_, err := s.client.schedules.DeleteSchedule(ctx, &rockqueuepb.DeleteScheduleRequest{
		RequestId: newRequestID(), Name: name,
	})
	return err
}

// Pause lets no slot fire until Resume; slots that pass meanwhile make no jobs, then or later. Errors: ErrScheduleNotFound.
func (s Schedules) Pause(ctx context.Context, name string) (*Schedule, error) {
	request := &rockqueuepb.PauseScheduleRequest{RequestId: newRequestID(), Name: name}
	response, err := s.client.schedules.PauseSchedule(ctx, request)
	return s.answer(response, err)
}

// Resume goes on with the first slot after now. Errors: ErrScheduleNotFound.
func (s Schedules) Resume(ctx context.Context, name string) (*Schedule, error) {
	request := &rockqueuepb.ResumeScheduleRequest{RequestId: newRequestID(), Name: name}
	response, err := s.client.schedules.ResumeSchedule(ctx, request)
	return s.answer(response, err)
}

// Triggered is what came of a trigger.
type Triggered struct {
	// JobID is the job; empty when the overlap policy let none be pushed now.
	JobID string
	// Schedule is the schedule after it.
	Schedule *Schedule
}

// Trigger fires now, paused or not, and changes nothing of the slots to come. The overlap policy holds. Errors:
// ErrScheduleNotFound, ErrStorageFull, ErrOverloaded.
func (s Schedules) Trigger(ctx context.Context, name string) (*Triggered, error) {
	response, err := s.client.schedules.TriggerSchedule(ctx, &rockqueuepb.TriggerScheduleRequest{
		RequestId: newRequestID(), Name: name,
	})
	if err != nil {
		return nil, err
	}
	return &Triggered{JobID: response.GetJobId(), Schedule: s.from(response.GetSchedule())}, nil
}

// Backfill pushes one job for each slot from one moment on and before another, whatever was fired before, and returns
// their ids by slot: up to 1,000, all or none. Errors: ErrScheduleNotFound, ErrLimitExceeded.
func (s Schedules) Backfill(ctx context.Context, name string, from, before time.Time) ([]string, error) {
	response, err := s.client.schedules.BackfillSchedule(ctx, &rockqueuepb.BackfillScheduleRequest{
		RequestId: newRequestID(), Name: name, FromTime: timestamppb.New(from), BeforeTime: timestamppb.New(before),
	})
	if err != nil {
		return nil, err
	}
	return response.GetJobIds(), nil
}

// PreviewOptions say which slots to preview. The zero value is the next 5 from now.
type PreviewOptions struct {
	// After: slots after this moment. Default: now.
	After time.Time
	// Count is how many: 1 to 1,000. Default: 5.
	Count int32
}

// Preview returns the next slots of a schedule, without jitter; options may be nil. Errors: ErrScheduleNotFound.
func (s Schedules) Preview(ctx context.Context, name string, options *PreviewOptions) ([]time.Time, error) {
	request := &rockqueuepb.PreviewScheduleRequest{Target: &rockqueuepb.PreviewScheduleRequest_Name{Name: name}}
	return s.preview(ctx, request, options)
}

// PreviewNew returns the next slots of a schedule that could be put, as Preview does; Name and Args may be missing.
func (s Schedules) PreviewNew(
	ctx context.Context, schedule NewSchedule, options *PreviewOptions,
) ([]time.Time, error) {
	spec, err := schedule.proto(s.client.config.Codec)
	if err != nil {
		return nil, err
	}
	request := &rockqueuepb.PreviewScheduleRequest{Target: &rockqueuepb.PreviewScheduleRequest_Schedule{Schedule: spec}}
	return s.preview(ctx, request, options)
}

func (s Schedules) preview(
	ctx context.Context, request *rockqueuepb.PreviewScheduleRequest, options *PreviewOptions,
) ([]time.Time, error) {
	if options != nil {
		request.AfterTime, request.Count = stampOrNil(options.After), options.Count
	}
	response, err := s.client.schedules.PreviewSchedule(ctx, request)
	if err != nil {
		return nil, err
	}
	slots := make([]time.Time, len(response.GetSlots()))
	for index, slot := range response.GetSlots() {
		slots[index] = moment(slot)
	}
	return slots, nil
}

func (s Schedules) answer(response interface{ GetSchedule() *rockqueuepb.Schedule }, err error) (*Schedule, error) {
	if err != nil {
		return nil, err
	}
	return s.from(response.GetSchedule()), nil
}

func (s Schedules) from(schedule *rockqueuepb.Schedule) *Schedule {
	return scheduleFrom(schedule, s.client.config.Codec)
}
