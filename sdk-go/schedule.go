package rockqueue

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// MisfirePolicy is what becomes of slots that passed more than 10 s ago before the server could fire them.
type MisfirePolicy string

// OverlapPolicy is what becomes of a slot while an earlier job of the schedule is not finished.
type OverlapPolicy string

const (
	// MisfireFireOnce makes one job for all of them, with the last of them as its slot.
	MisfireFireOnce MisfirePolicy = "fire_once"
	// MisfireFireAll makes one job for each, oldest first; for the last 100 when they are more.
	MisfireFireAll MisfirePolicy = "fire_all"
	// MisfireSkip makes none.
	MisfireSkip MisfirePolicy = "skip"

	// OverlapAllow fires all the same.
	OverlapAllow OverlapPolicy = "allow"
	// OverlapSkip makes no job.
	OverlapSkip OverlapPolicy = "skip"
	// OverlapQueueOne fires when the earlier job is finished; only the latest such slot is kept.
	OverlapQueueOne OverlapPolicy = "queue_one"
	// OverlapCancelRunning cancels the earlier job, and fires at once.
	OverlapCancelRunning OverlapPolicy = "cancel_running"
)

const (
	misfirePrefix = "MISFIRE_POLICY_"
	overlapPrefix = "OVERLAP_POLICY_"
)

// NewSchedule is a schedule to put: a timing, and the job that each of its due moments, its slots, pushes. The zero value
// of each field takes the default; Name, Args, and Cron or Every are needed.
type NewSchedule struct {
	// Name of the schedule: [A-Za-z0-9._-]{1,128}.
	Name string
	// Cron has five fields (minute, hour, day of month, month, day of week), six with the second before them, or is
	// "@hourly", "@daily", "@weekly", "@monthly" or "@yearly". Excludes Every.
	Cron string
	// Every is the time between two slots, without drift: 1 s to 366 days. The first is at StartTime, or one such time after
	// the schedule was made. Excludes Cron.
	Every time.Duration
	// TimeZone is the IANA zone in which Cron is read: "Europe/London". Default: "UTC".
	TimeZone string
	// StartTime: no slot before this moment.
	StartTime time.Time
	// EndTime: no slot at or after this moment.
	EndTime time.Time
	// MaxRuns ends the schedule after so many slots have fired. Default: no limit.
	MaxRuns int64
	// Jitter fires each slot up to this long late, by a time drawn anew for each. At most 1 day.
	Jitter time.Duration
	// Misfire is what becomes of missed slots. Default: MisfireFireOnce.
	Misfire MisfirePolicy
	// CatchUp: missed slots that are older make no job. Up to 366 days. Default: 24 h.
	CatchUp time.Duration
	// Overlap is what becomes of a slot while an earlier job is not finished. Default: OverlapAllow.
	Overlap OverlapPolicy
	// Args are the input of the jobs.
	Args JobArgs
	// Options are those of the jobs; RunTime, ExpireTime and Unique are not allowed. May be nil.
	Options *PushOptions
}

// Schedule is a schedule as the server knows it.
type Schedule struct {
	// Name of the schedule.
	Name string
	// Cron is the expression; empty with Every.
	Cron string
	// Every is the time between two slots; 0 with Cron.
	Every time.Duration
	// TimeZone is the one in which Cron is read; empty for UTC.
	TimeZone string
	// StartTime: no slot before this moment; zero when not set.
	StartTime time.Time
	// EndTime: no slot at or after this moment; zero when not set.
	EndTime time.Time
	// MaxRuns ends the schedule after so many slots; 0 for no limit.
	MaxRuns int64
	// Jitter is how late a slot may fire.
	Jitter time.Duration
	// Misfire is what becomes of missed slots; empty for the default.
	Misfire MisfirePolicy
	// CatchUp is how old missed slots may be; 0 for the default.
	CatchUp time.Duration
	// Overlap is what becomes of a slot while an earlier job is not finished; empty for the default.
	Overlap OverlapPolicy
	// Queue is where the jobs go.
	Queue string
	// Kind is the jobs' name.
	Kind string
	// Payload is the jobs' input. See UnmarshalArgs.
	Payload []byte
	// ContentType is the media type of Payload.
	ContentType string

	// Paused is true while no slot fires.
	Paused bool
	// CreateTime is when the schedule was made.
	CreateTime time.Time
	// UpdateTime is when it was last put.
	UpdateTime time.Time
	// NextTime is the next slot, without jitter; zero while paused, and when there are no more.
	NextTime time.Time
	// LastSlotTime is the last slot that fired.
	LastSlotTime time.Time
	// LastJobID is the job that was pushed last.
	LastJobID string
	// Runs is how many slots fired.
	Runs int64
	// Skipped is how many slots made no job, by policy.
	Skipped int64
	// QueuedSlotTime is the slot that waits for an earlier job to finish, with OverlapQueueOne.
	QueuedSlotTime time.Time
	// Created is true when Put made the schedule; false for one that was there.
	Created bool

	codec   Codec
	message *rockqueuepb.Schedule
}

// UnmarshalArgs stores the arguments of the schedule's jobs in the value that into points to.
func (s *Schedule) UnmarshalArgs(into any) error {
	if err := s.codec.Decode(s.Payload, s.ContentType, into); err != nil {
		return payloadError("the payload of schedule "+s.Name+" cannot be read", err)
	}
	return nil
}

// Proto returns the schedule as the contract carries it. It must not be changed.
func (s *Schedule) Proto() *rockqueuepb.Schedule { return s.message }

// proto makes the schedule as the contract carries it. What only the server can judge is left to it.
func (s *NewSchedule) proto(codec Codec) (*rockqueuepb.ScheduleSpec, error) {
	if s.Cron != "" && s.Every != 0 {
		return nil, misuse("Cron and Every exclude each other")
	}
	misfire, err := numberOf[rockqueuepb.MisfirePolicy](
		string(s.Misfire), rockqueuepb.MisfirePolicy_value, misfirePrefix, "a misfire policy")
	if err != nil {
		return nil, err
	}
	overlap, err := numberOf[rockqueuepb.OverlapPolicy](
		string(s.Overlap), rockqueuepb.OverlapPolicy_value, overlapPrefix, "an overlap policy")
	if err != nil {
		return nil, err
	}
	spec := &rockqueuepb.ScheduleSpec{
		Name: s.Name, TimeZone: s.TimeZone, StartTime: stampOrNil(s.StartTime), EndTime: stampOrNil(s.EndTime),
		Jitter: unlessZero(s.Jitter), Misfire: misfire, CatchUp: unlessZero(s.CatchUp), Overlap: overlap,
	}
	if s.Cron != "" {
		spec.Timing = &rockqueuepb.ScheduleSpec_Cron{Cron: s.Cron}
	} else if s.Every != 0 {
		spec.Timing = &rockqueuepb.ScheduleSpec_Interval{Interval: durationpb.New(s.Every)}
	}
	if s.MaxRuns != 0 {
		spec.MaxRuns = &s.MaxRuns
	}
	if s.Args != nil {
		spec.Job, err = buildSpec(s.Args, s.Options, codec)
	}
	return spec, err
}

func scheduleFrom(schedule *rockqueuepb.Schedule, codec Codec) *Schedule {
	spec := schedule.GetSpec()
	job := spec.GetJob()
	return &Schedule{
		Name: spec.GetName(), Cron: spec.GetCron(), Every: spec.GetInterval().AsDuration(), TimeZone: spec.GetTimeZone(),
		StartTime: moment(spec.GetStartTime()), EndTime: moment(spec.GetEndTime()), MaxRuns: spec.GetMaxRuns(),
		Jitter: spec.GetJitter().AsDuration(), CatchUp: spec.GetCatchUp().AsDuration(),
		Misfire: MisfirePolicy(optionOf(spec.GetMisfire(), rockqueuepb.MisfirePolicy_name, misfirePrefix)),
		Overlap: OverlapPolicy(optionOf(spec.GetOverlap(), rockqueuepb.OverlapPolicy_name, overlapPrefix)),
		Queue:   job.GetQueue(), Kind: job.GetName(), Payload: job.GetPayload(), ContentType: job.GetContentType(),
		Paused: schedule.GetPaused(), CreateTime: moment(schedule.GetCreateTime()),
		UpdateTime: moment(schedule.GetUpdateTime()), NextTime: moment(schedule.GetNextTime()),
		LastSlotTime: moment(schedule.GetLastSlotTime()), LastJobID: schedule.GetLastJobId(),
		Runs: schedule.GetRuns(), Skipped: schedule.GetSkipped(), QueuedSlotTime: moment(schedule.GetQueuedSlotTime()),
		codec: codec, message: schedule,
	}
}
