package rockqueue_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// What calls send, and what they make of the answers; end_to_end tests have the real server.

var (
	noon    = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	evening = noon.Add(6 * time.Hour)
)

// sent compares the last request of a method, but for its id, which a mutating one must have.
func sent(t *testing.T, server *scripted.Server, method string, wanted proto.Message) {
	t.Helper()
	calls := server.Calls(method)
	if len(calls) == 0 {
		t.Fatalf("%s was not called", method)
	}
	got := proto.Clone(calls[len(calls)-1].Request)
	if field := got.ProtoReflect().Descriptor().Fields().ByName("request_id"); field != nil {
		if got.ProtoReflect().Get(field).String() == "" {
			t.Fatalf("%s has no request id", method)
		}
		got.ProtoReflect().Clear(field)
	}
	if !proto.Equal(got, wanted) {
		t.Fatalf("%s: expected\n%s\ngot\n%s", method, prototext.Format(wanted), prototext.Format(got))
	}
}

// all takes a listing whole.
func all[T any](t *testing.T, found iter.Seq2[T, error]) []T {
	t.Helper()
	var items []T
	for one, err := range found {
		noError(t, err)
		items = append(items, one)
	}
	return items
}

func TestAScheduleIsSentAndReadWhole(t *testing.T) {
	server := scripted.New(t)
	spec := &rockqueuepb.ScheduleSpec{
		Name: "n", Timing: &rockqueuepb.ScheduleSpec_Cron{Cron: "0 3 * * *"}, TimeZone: "Europe/London",
		StartTime: timestamppb.New(noon), EndTime: timestamppb.New(evening), MaxRuns: new(int64(7)),
		Jitter: durationpb.New(time.Minute), Misfire: rockqueuepb.MisfirePolicy_MISFIRE_POLICY_FIRE_ALL,
		CatchUp: durationpb.New(time.Hour), Overlap: rockqueuepb.OverlapPolicy_OVERLAP_POLICY_QUEUE_ONE,
		Job: &rockqueuepb.JobSpec{
			Queue: "q", Name: "report", Payload: []byte(`{"n":1}`), ContentType: "application/json", Priority: 3, Group: "g",
		},
	}
	server.Answer("PutSchedule", scripted.Reply(&rockqueuepb.PutScheduleResponse{Created: true, Schedule: &rockqueuepb.Schedule{
		Spec: spec, Paused: true, CreateTime: timestamppb.New(noon), UpdateTime: timestamppb.New(evening),
		NextTime: timestamppb.New(noon), LastSlotTime: timestamppb.New(noon), LastJobId: "j", Runs: 5, Skipped: 6,
		QueuedSlotTime: timestamppb.New(evening),
	}}))
	client := clientOf(t, server, rockqueue.Config{})
	schedule, err := client.Schedules().Put(within(t), rockqueue.NewSchedule{
		Name: "n", Cron: "0 3 * * *", TimeZone: "Europe/London", StartTime: noon, EndTime: evening, MaxRuns: 7,
		Jitter: time.Minute, Misfire: rockqueue.MisfireFireAll, CatchUp: time.Hour, Overlap: rockqueue.OverlapQueueOne,
		Args:    named("report", map[string]int{"n": 1}),
		Options: &rockqueue.PushOptions{Queue: "q", Priority: 3, Group: "g"},
	})
	noError(t, err)
	sent(t, server, "PutSchedule", &rockqueuepb.PutScheduleRequest{Schedule: spec})
	var args struct{ N int }
	noError(t, schedule.UnmarshalArgs(&args))
	equal(t, args.N, 1, "arguments")
	read := *schedule
	equal(t, proto.Equal(read.Proto().GetSpec(), spec), true, "message")
	wanted := rockqueue.Schedule{
		Name: "n", Cron: "0 3 * * *", TimeZone: "Europe/London", StartTime: noon, EndTime: evening, MaxRuns: 7,
		Jitter: time.Minute, Misfire: rockqueue.MisfireFireAll, CatchUp: time.Hour, Overlap: rockqueue.OverlapQueueOne,
		Queue: "q", Kind: "report", ContentType: "application/json", Paused: true, CreateTime: noon, UpdateTime: evening,
		NextTime: noon, LastSlotTime: noon, LastJobID: "j", Runs: 5, Skipped: 6, QueuedSlotTime: evening, Created: true,
	}
	sameFields(t, read, wanted, "Payload", "codec", "message")
}

func TestAPlainScheduleLeavesTheRestToTheServer(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PutSchedule", scripted.Reply(&rockqueuepb.PutScheduleResponse{}))
	client := clientOf(t, server, rockqueue.Config{})
	_, err := client.Schedules().Put(within(t), rockqueue.NewSchedule{Name: "n", Every: time.Minute, Args: greeting{Name: "x"}})
	noError(t, err)
	sent(t, server, "PutSchedule", &rockqueuepb.PutScheduleRequest{Schedule: &rockqueuepb.ScheduleSpec{
		Name: "n", Timing: &rockqueuepb.ScheduleSpec_Interval{Interval: durationpb.New(time.Minute)},
		Job: &rockqueuepb.JobSpec{
			Queue: "default", Name: "greeting", Payload: []byte(`{"name":"x"}`), ContentType: "application/json",
		},
	}})
	for _, bad := range []rockqueue.NewSchedule{
		{Cron: "@daily", Every: time.Minute}, {Misfire: "explode"}, {Overlap: "unspecified"},
		{Args: greeting{}, Options: &rockqueue.PushOptions{Delay: 1, RunTime: noon}},
	} {
		if _, err := client.Schedules().Put(within(t), bad); !errors.Is(err, rockqueue.ErrUsage) {
			t.Errorf("%+v: expected ErrUsage, got %v", bad, err)
		}
	}
	equal(t, len(server.Calls("PutSchedule")), 1, "calls")
}

func TestSchedulesAreLookedAfterByName(t *testing.T) {
	server := scripted.New(t)
	one := &rockqueuepb.Schedule{Spec: &rockqueuepb.ScheduleSpec{Name: "n"}}
	server.Answer("GetSchedule", scripted.Refuse(codes.NotFound, "SCHEDULE_NOT_FOUND", nil))
	server.Answer("PauseSchedule", scripted.Reply(&rockqueuepb.PauseScheduleResponse{Schedule: one}))
	server.Answer("ResumeSchedule", scripted.Reply(&rockqueuepb.ResumeScheduleResponse{Schedule: one}))
	server.Answer("DeleteSchedule", scripted.Reply(&rockqueuepb.DeleteScheduleResponse{}))
	server.Answer("TriggerSchedule", scripted.Reply(&rockqueuepb.TriggerScheduleResponse{JobId: "j", Schedule: one}))
	server.Answer("BackfillSchedule", scripted.Reply(&rockqueuepb.BackfillScheduleResponse{JobIds: []string{"a", "b"}}))
	server.Answer("PreviewSchedule", scripted.Reply(&rockqueuepb.PreviewScheduleResponse{
		Slots: []*timestamppb.Timestamp{timestamppb.New(noon)},
	}))
	ctx, schedules := within(t), clientOf(t, server, rockqueue.Config{}).Schedules()
	_, err := schedules.Get(ctx, "n")
	if !errors.Is(err, rockqueue.ErrScheduleNotFound) || !errors.Is(err, rockqueue.ErrNotFound) {
		t.Fatalf("expected ErrScheduleNotFound, got %v", err)
	}
	_, err = schedules.Pause(ctx, "n")
	noError(t, err)
	sent(t, server, "PauseSchedule", &rockqueuepb.PauseScheduleRequest{Name: "n"})
	_, err = schedules.Resume(ctx, "n")
	noError(t, err)
	sent(t, server, "ResumeSchedule", &rockqueuepb.ResumeScheduleRequest{Name: "n"})
	noError(t, schedules.Delete(ctx, "n"))
	sent(t, server, "DeleteSchedule", &rockqueuepb.DeleteScheduleRequest{Name: "n"})
	triggered, err := schedules.Trigger(ctx, "n")
	noError(t, err)
	equal(t, triggered.JobID+triggered.Schedule.Name, "jn", "trigger")
	sent(t, server, "TriggerSchedule", &rockqueuepb.TriggerScheduleRequest{Name: "n"})
	ids, err := schedules.Backfill(ctx, "n", noon, evening)
	noError(t, err)
	equal(t, strings.Join(ids, ","), "a,b", "jobs")
	sent(t, server, "BackfillSchedule", &rockqueuepb.BackfillScheduleRequest{
		Name: "n", FromTime: timestamppb.New(noon), BeforeTime: timestamppb.New(evening),
	})
	slots, err := schedules.Preview(ctx, "n", nil)
	noError(t, err)
	equal(t, slots[0], noon, "slot")
	sent(t, server, "PreviewSchedule", &rockqueuepb.PreviewScheduleRequest{
		Target: &rockqueuepb.PreviewScheduleRequest_Name{Name: "n"},
	})
	_, err = schedules.PreviewNew(ctx, rockqueue.NewSchedule{Cron: "@daily"}, &rockqueue.PreviewOptions{After: noon, Count: 9})
	noError(t, err)
	sent(t, server, "PreviewSchedule", &rockqueuepb.PreviewScheduleRequest{
		Target: &rockqueuepb.PreviewScheduleRequest_Schedule{Schedule: &rockqueuepb.ScheduleSpec{
			Timing: &rockqueuepb.ScheduleSpec_Cron{Cron: "@daily"},
		}},
		AfterTime: timestamppb.New(noon), Count: 9,
	})
}

func TestListingsFollowTheirPages(t *testing.T) {
	server := scripted.New(t)
	pages := func(name, token string) *rockqueuepb.ListSchedulesResponse {
		return &rockqueuepb.ListSchedulesResponse{NextPageToken: token, Schedules: []*rockqueuepb.Schedule{
			{Spec: &rockqueuepb.ScheduleSpec{Name: name}},
		}}
	}
	server.Answer("ListSchedules", scripted.Reply(pages("a", "1")), scripted.Reply(pages("b", "2")),
		scripted.Refuse(codes.InvalidArgument, "INVALID_FIELD", nil))
	found := clientOf(t, server, rockqueue.Config{}).Schedules().List(within(t), "x")
	var names, tokens []string
	var failure error
	for schedule, err := range found {
		if failure = err; err == nil {
			names = append(names, schedule.Name)
		}
	}
	if !errors.Is(failure, rockqueue.ErrInvalidRequest) {
		t.Fatalf("expected ErrInvalidRequest at the end, got %v", failure)
	}
	for _, call := range server.Calls("ListSchedules") {
		request := call.Request.(*rockqueuepb.ListSchedulesRequest)
		tokens = append(tokens, request.GetPrefix()+request.GetPageToken())
	}
	equal(t, strings.Join(names, ","), "a,b", "names")
	equal(t, strings.Join(tokens, ","), "x,x1,x2", "prefix and token of each call")
}

func TestGroupsAreSetAndShown(t *testing.T) {
	server := scripted.New(t)
	group := &rockqueuepb.Group{
		Key: "g", Waiting: 1, Active: 2, Settings: &rockqueuepb.GroupSettings{
			Weight: new(int32(3)), MaxActive: new(int32(4)),
			Rate: &rockqueuepb.RateLimit{Count: 5, Period: durationpb.New(time.Minute), Burst: new(int32(6))},
		},
	}
	server.Answer("UpdateGroup", scripted.Reply(&rockqueuepb.UpdateGroupResponse{Group: group}))
	server.Answer("ListGroups", scripted.Reply(&rockqueuepb.ListGroupsResponse{Groups: []*rockqueuepb.Group{group}}))
	server.Answer("UpdateQueue", scripted.Reply(&rockqueuepb.UpdateQueueResponse{Queue: &rockqueuepb.Queue{
		Settings: &rockqueuepb.QueueSettings{
			Rate: group.GetSettings().GetRate(), GroupMaxActive: new(int32(1)), GroupRate: &rockqueuepb.RateLimit{Count: 7},
		},
	}}))
	ctx, queues := within(t), clientOf(t, server, rockqueue.Config{}).Queues()
	settings := rockqueue.GroupSettings{
		Weight: new(int32(3)), MaxActive: new(int32(4)), Rate: &rockqueue.RateLimit{Count: 5, Period: time.Minute, Burst: 6},
	}
	got, err := queues.UpdateGroup(ctx, "q", "g", settings)
	noError(t, err)
	sent(t, server, "UpdateGroup", &rockqueuepb.UpdateGroupRequest{Queue: "q", Group: "g", Settings: group.GetSettings()})
	equal(t, got.Key, "g", "key")
	equal(t, got.Waiting*10+got.Active, 12, "counts")
	equal(t, *got.Settings.Weight*10+*got.Settings.MaxActive, 34, "settings")
	equal(t, *got.Settings.Rate, *settings.Rate, "rate")
	_, err = queues.UpdateGroup(ctx, "q", "g", rockqueue.GroupSettings{}, "weight", "rate")
	noError(t, err)
	sent(t, server, "UpdateGroup", &rockqueuepb.UpdateGroupRequest{
		Queue: "q", Group: "g", Settings: &rockqueuepb.GroupSettings{}, Reset_: []string{"weight", "rate"},
	})
	equal(t, all(t, queues.ListGroups(ctx, "q", "p"))[0].Key, "g", "listed")
	sent(t, server, "ListGroups", &rockqueuepb.ListGroupsRequest{Queue: "q", Prefix: "p"})
	queue, err := queues.Update(ctx, "q", rockqueue.QueueSettings{
		Rate: settings.Rate, GroupMaxActive: new(int32(1)), GroupRate: &rockqueue.RateLimit{Count: 7},
	})
	noError(t, err)
	sent(t, server, "UpdateQueue", &rockqueuepb.UpdateQueueRequest{Queue: "q", Settings: &rockqueuepb.QueueSettings{
		Rate: group.GetSettings().GetRate(), GroupMaxActive: new(int32(1)), GroupRate: &rockqueuepb.RateLimit{Count: 7},
	}})
	equal(t, *queue.Settings.Rate, *settings.Rate, "rate of the queue")
	equal(t, *queue.Settings.GroupMaxActive, 1, "active in a group")
	equal(t, *queue.Settings.GroupRate, rockqueue.RateLimit{Count: 7}, "rate of a group")
}

func TestReasonsAreReadWhole(t *testing.T) {
	server := scripted.New(t)
	reasons := []*rockqueuepb.Explanation{{
		Kind: rockqueuepb.ExplanationKind_EXPLANATION_KIND_QUEUE_RATE, Message: "m", UntilTime: timestamppb.New(noon),
		JobIds: []string{"p"}, Count: 3, Worker: "w",
	}, {Kind: 4711}}
	server.Answer("ExplainJob", scripted.Reply(&rockqueuepb.ExplainJobResponse{
		State: rockqueuepb.JobState_JOB_STATE_WAITING, Reasons: reasons,
	}))
	server.Answer("ExplainQueue", scripted.Reply(&rockqueuepb.ExplainQueueResponse{Reasons: reasons}))
	ctx, client := within(t), clientOf(t, server, rockqueue.Config{})
	job, err := client.Explain(ctx, "j")
	noError(t, err)
	sent(t, server, "ExplainJob", &rockqueuepb.ExplainJobRequest{JobId: "j"})
	equal(t, job.State, rockqueue.JobWaiting, "state")
	queue, err := client.Queues().Explain(ctx, "q")
	noError(t, err)
	sent(t, server, "ExplainQueue", &rockqueuepb.ExplainQueueRequest{Queue: "q"})
	for _, found := range [][]rockqueue.Explanation{job.Reasons, queue} {
		sameFields(t, found[0], rockqueue.Explanation{
			Kind: rockqueue.ExplainQueueRate, Message: "m", UntilTime: noon, JobIDs: []string{"p"}, Count: 3, Worker: "w",
		})
		equal(t, found[1].Kind, rockqueue.ExplainUnknown, "kind from tomorrow")
	}
}

func TestWorkersAndBackupsAreRead(t *testing.T) {
	server := scripted.New(t)
	server.Answer("ListWorkers", scripted.Reply(&rockqueuepb.ListWorkersResponse{Workers: []*rockqueuepb.Worker{{
		SessionId: "s", Name: "w", State: rockqueuepb.WorkerState_WORKER_STATE_SILENT, Queues: []string{"q"}, Client: "c",
		Host: "h", Pid: 7, JoinTime: timestamppb.New(noon), LastHeardTime: timestamppb.New(evening), Active: 1, Credits: 2,
		LoopLag: durationpb.New(time.Second), StuckJobIds: []string{"j"},
	}, {State: 4711}}}))
	backup := &rockqueuepb.Backup{Name: "b", Path: "/b", CreateTime: timestamppb.New(noon), Commit: 1, SizeBytes: 2}
	server.Answer("CreateBackup", scripted.Reply(&rockqueuepb.CreateBackupResponse{Backup: backup}),
		scripted.Refuse(codes.AlreadyExists, "BACKUP_EXISTS", nil))
	server.Answer("ListBackups", scripted.Reply(&rockqueuepb.ListBackupsResponse{Backups: []*rockqueuepb.Backup{backup}}),
		scripted.Refuse(codes.FailedPrecondition, "BACKUPS_OFF", nil))
	ctx, client := within(t), clientOf(t, server, rockqueue.Config{})
	workers := all(t, client.ListWorkers(ctx, "q"))
	sent(t, server, "ListWorkers", &rockqueuepb.ListWorkersRequest{Queue: "q"})
	sameFields(t, *workers[0], rockqueue.WorkerInfo{
		SessionID: "s", Name: "w", State: rockqueue.SessionSilent, Queues: []string{"q"}, Client: "c", Host: "h", PID: 7,
		JoinTime: noon, LastHeardTime: evening, Active: 1, Credits: 2, LoopLag: new(time.Second), StuckJobIDs: []string{"j"},
	})
	equal(t, workers[1].State, rockqueue.SessionUnknown, "state from tomorrow")
	equal(t, workers[1].LoopLag == nil, true, "lag that was not measured")
	wanted := rockqueue.Backup{Name: "b", Path: "/b", CreateTime: noon, Commit: 1, SizeBytes: 2}
	made, err := client.CreateBackup(ctx, "b")
	noError(t, err)
	equal(t, *made, wanted, "backup")
	sent(t, server, "CreateBackup", &rockqueuepb.CreateBackupRequest{Name: "b"})
	if _, err := client.CreateBackup(ctx, "b"); !errors.Is(err, rockqueue.ErrBackupExists) {
		t.Fatalf("expected ErrBackupExists, got %v", err)
	}
	listed, err := client.ListBackups(ctx)
	noError(t, err)
	equal(t, *listed[0], wanted, "listed backup")
	if _, err := client.ListBackups(ctx); !errors.Is(err, rockqueue.ErrBackupsOff) {
		t.Fatalf("expected ErrBackupsOff, got %v", err)
	}
}

func TestABackupMayTakeLongerThanOtherCalls(t *testing.T) {
	server := scripted.New(t)
	server.Answer("CreateBackup", scripted.Refuse(codes.Unavailable, "SHUTTING_DOWN", nil))
	client := clientOf(t, server, rockqueue.Config{})
	_, err := client.CreateBackup(context.Background(), "")
	if !errors.Is(err, rockqueue.ErrUnavailable) {
		t.Fatalf("expected ErrUnavailable, got %v", err)
	}
	calls := server.Calls("CreateBackup")
	equal(t, len(calls), 1, "attempts at a call that the contract does not allow to repeat")
	equal(t, calls[0].Deadline > time.Hour, true, "hours to do it in")
}

func TestFiltersNameGroupsFlowsAndSchedules(t *testing.T) {
	server := scripted.New(t)
	server.Answer("ListJobs", scripted.Reply(&rockqueuepb.ListJobsResponse{Jobs: []*rockqueuepb.Job{{
		PendingParents: 2, Spec: &rockqueuepb.JobSpec{Group: "g", Origin: &rockqueuepb.JobOrigin{
			Schedule: "s", SlotTime: timestamppb.New(noon), FlowId: "f", FlowNode: "n",
		}},
	}}}))
	server.Watch(watch(nil, events("0")))
	ctx, client := within(t), clientOf(t, server, rockqueue.Config{})
	jobs := all(t, client.List(ctx, rockqueue.JobFilter{Group: "g", FlowID: "f", Schedule: "s"}, nil))
	sent(t, server, "ListJobs", &rockqueuepb.ListJobsRequest{
		Filter: &rockqueuepb.JobFilter{Group: "g", FlowId: "f", Schedule: "s"},
	})
	equal(t, jobs[0].Group, "g", "group")
	equal(t, jobs[0].PendingParents, 2, "parents")
	equal(t, jobs[0].Origin, rockqueue.Origin{Schedule: "s", SlotTime: noon, FlowID: "f", FlowNode: "n"}, "origin")
	stream, err := client.Watch(ctx, rockqueue.EventOptions{FlowIDs: []string{"f"}, Schedules: []string{"s"}})
	noError(t, err)
	stream.Close()
	sent(t, server, "WatchEvents", &rockqueuepb.WatchEventsRequest{
		Filter: &rockqueuepb.EventFilter{FlowIds: []string{"f"}, Schedules: []string{"s"}},
	})
}

func TestABulkChangeFollowsItsTokensToTheEnd(t *testing.T) {
	server := scripted.New(t)
	server.Answer("CancelJobs",
		scripted.Reply(&rockqueuepb.CancelJobsResponse{Affected: 3, More: true, NextPageToken: "1"}),
		scripted.Reply(&rockqueuepb.CancelJobsResponse{More: true, NextPageToken: "2"}),
		scripted.Reply(&rockqueuepb.CancelJobsResponse{Affected: 4}))
	server.Answer("RetryJobs",
		scripted.Reply(&rockqueuepb.RetryJobsResponse{Affected: 5, More: true, NextPageToken: "1"}),
		scripted.Reply(&rockqueuepb.RetryJobsResponse{Affected: 6}))
	server.Answer("DeleteJobs", scripted.Reply(&rockqueuepb.DeleteJobsResponse{Affected: 9, More: true}))
	ctx, client := within(t), clientOf(t, server, rockqueue.Config{})
	var told []int64
	note := func(affected int64) { told = append(told, affected) }
	filter := rockqueue.JobFilter{Group: "g"}
	affected, err := client.CancelAll(ctx, filter, &rockqueue.BulkOptions{DryRun: true, OnProgress: note})
	noError(t, err)
	equal(t, affected, 7, "would be cancelled")
	ids := make(map[string]bool)
	for index, call := range server.Calls("CancelJobs") {
		request := call.Request.(*rockqueuepb.CancelJobsRequest)
		equal(t, request.GetPageToken(), []string{"", "1", "2"}[index], "token")
		equal(t, request.GetDryRun(), true, "dry run")
		equal(t, request.GetFilter().GetGroup(), "g", "filter")
		ids[request.GetRequestId()] = true
	}
	equal(t, len(ids), 3, "request ids")
	affected, err = client.RetryAll(ctx, filter, &rockqueue.RetryOptions{IntoQueue: "q", OnProgress: note})
	noError(t, err)
	equal(t, affected, 11, "put back")
	sent(t, server, "RetryJobs", &rockqueuepb.RetryJobsRequest{
		Target: &rockqueuepb.RetryJobsRequest_Filter{Filter: &rockqueuepb.JobFilter{Group: "g"}}, Queue: "q", PageToken: "1",
	})
	affected, err = client.DeleteAll(ctx, filter, &rockqueue.BulkOptions{DryRun: true})
	noError(t, err)
	equal(t, affected, 9, "would be deleted, by a server without tokens")
	if len(told) != 5 || told[0] != 3 || told[1] != 3 || told[2] != 7 || told[3] != 5 || told[4] != 11 {
		t.Fatalf("expected to be told of 3 3 7 and 5 11, got %v", told)
	}
}
