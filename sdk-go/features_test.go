package rockqueue_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehook"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuetest"
)

// Schedules, flows, groups, webhooks, workers and backups with the real server.

func ownServer(t *testing.T) (*rockqueuetest.Server, *rockqueue.Client) {
	t.Helper()
	server := rockqueuetest.NewServer(t)
	return server, server.Client(rockqueue.Config{Logger: slog.New(slog.DiscardHandler)})
}

// handle starts workers with one handler for jobs of any of these kinds on the default queue.
func handle(t *testing.T, client *rockqueue.Client, handler rockqueue.HandlerFunc, kinds ...string) {
	t.Helper()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Queues: []string{"default"}})
	for _, kind := range kinds {
		workers.HandleFunc(kind, handler)
	}
	noError(t, workers.Start(t.Context()))
	t.Cleanup(func() { stopWorkers(t, workers) })
}

func TestASchedulePushesItsJobsWhenTheyAreDue(t *testing.T) {
	server, client := ownServer(t)
	ctx, schedules := within(t), client.Schedules()
	server.Freeze()
	put, err := schedules.Put(ctx, rockqueue.NewSchedule{Name: "minutely", Every: time.Minute, Args: greeting{Name: "Ada"}})
	noError(t, err)
	equal(t, put.Created, true, "created")
	equal(t, put.NextTime, server.Now().Add(time.Minute), "next slot")
	began := make(chan *rockqueue.Delivery, 10)
	handle(t, client, func(_ context.Context, job *rockqueue.Delivery) error {
		began <- job
		return nil
	}, "greeting")
	server.Advance(61 * time.Second)
	job := receive(t, began)
	equal(t, job.Origin, rockqueue.Origin{Schedule: "minutely", SlotTime: put.NextTime}, "origin")
	equal(t, string(job.Payload), `{"name":"Ada"}`, "payload")
	found, err := schedules.Get(ctx, "minutely")
	noError(t, err)
	equal(t, found.Runs, 1, "runs")
	equal(t, found.LastJobID, job.ID, "last job")
	equal(t, found.LastSlotTime, put.NextTime, "last slot")
	paused, err := schedules.Pause(ctx, "minutely")
	noError(t, err)
	equal(t, paused.Paused && paused.NextTime.IsZero(), true, "paused")
	server.Advance(time.Hour)
	triggered, err := schedules.Trigger(ctx, "minutely")
	noError(t, err)
	equal(t, receive(t, began).ID, triggered.JobID, "triggered job, and none of the hour before")
	backfilled, err := schedules.Backfill(ctx, "minutely", put.NextTime, put.NextTime.Add(3*time.Minute))
	noError(t, err)
	equal(t, len(backfilled), 3, "slots of three minutes")
	resumed, err := schedules.Resume(ctx, "minutely")
	noError(t, err)
	equal(t, resumed.NextTime.After(server.Now()), true, "next slot after now")
	again, err := schedules.Put(ctx, rockqueue.NewSchedule{Name: "minutely", Cron: "@daily", Args: greeting{}})
	noError(t, err)
	equal(t, again.Created, false, "created")
	equal(t, all(t, schedules.List(ctx, "min"))[0].Cron, "@daily", "listed")
	jobs := all(t, client.List(ctx, rockqueue.JobFilter{Schedule: "minutely"}, nil))
	equal(t, len(jobs), 5, "jobs of the schedule")
	noError(t, schedules.Delete(ctx, "minutely"))
	if _, err := schedules.Pause(ctx, "minutely"); !errors.Is(err, rockqueue.ErrScheduleNotFound) {
		t.Fatalf("expected ErrScheduleNotFound, got %v", err)
	}
	slots, err := schedules.PreviewNew(ctx, rockqueue.NewSchedule{Cron: "30 1 * * *", TimeZone: "Europe/London"},
		&rockqueue.PreviewOptions{After: time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC), Count: 2})
	noError(t, err)
	// The clocks go forward in between.
	equal(t, slots[0], time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), "slot of the gap")
	equal(t, slots[1], time.Date(2026, 3, 30, 0, 30, 0, 0, time.UTC), "slot of summer")
}

func TestAFlowRunsFromItsPushToItsEnd(t *testing.T) {
	_, client := ownServer(t)
	ctx, flows := within(t), client.Flows()
	handle(t, client, func(ctx context.Context, job *rockqueue.Delivery) error {
		parents, err := job.Parents(ctx)
		if err != nil {
			return err
		}
		said := job.Origin.FlowNode
		for _, node := range []string{"render", "first", "second"} {
			var result string
			if parent := parents[node]; parent != nil {
				if err := parent.UnmarshalResult(&result); err != nil {
					return err
				}
				said += "(" + result + ")"
			}
		}
		return job.SetResult(said)
	}, "work")
	flow := rockqueue.NewFlow("newsletter")
	node := func(name string) *rockqueue.FlowNode { return flow.Add(named("work", nil), nil).Named(name) }
	report := node("report")
	flow.Chain(node("render"), flow.Group(node("first"), node("second")), report)
	pushed, err := flows.Push(ctx, flow, nil)
	noError(t, err)
	result, err := rockqueue.Result[string](ctx, client, pushed.JobID(report))
	noError(t, err)
	equal(t, result, "report(first(render))(second(render))", "result")
	finished, err := flows.Wait(ctx, pushed.ID)
	noError(t, err)
	equal(t, finished.State, rockqueue.FlowCompleted, "state")
	equal(t, finished.Jobs*10+finished.Completed, 44, "jobs")
	equal(t, finished.Graph[0].JobID, pushed.JobIDs["report"], "first job of the graph")
	equal(t, finished.Graph[0].Parents[1].Node, "second", "its second parent")
	parents := all(t, flows.Parents(ctx, pushed.JobID(report)))
	equal(t, parents[0].Node+parents[1].Node, "firstsecond", "parents")
	listed := all(t, flows.List(ctx, rockqueue.FlowFilter{Name: "newsletter", State: rockqueue.FlowCompleted}))
	equal(t, listed[0].ID, pushed.ID, "listed")
	if _, err := flows.Get(ctx, "01890000-0000-7000-8000-000000000000"); !errors.Is(err, rockqueue.ErrFlowNotFound) {
		t.Fatalf("expected ErrFlowNotFound, got %v", err)
	}
	circle := rockqueue.NewFlow("")
	first := circle.Add(named("work", nil), nil)
	first.After(circle.Add(named("work", nil), nil).After(first))
	if _, err := flows.Push(ctx, circle, nil); !errors.Is(err, rockqueue.ErrFlowCycle) {
		t.Fatalf("expected ErrFlowCycle, got %v", err)
	}
}

func TestWhatAParentThatFailsDoesToItsChildren(t *testing.T) {
	_, client := ownServer(t)
	ctx, flows := within(t), client.Flows()
	handle(t, client, func(_ context.Context, job *rockqueue.Delivery) error {
		if job.Kind == "bad" {
			return rockqueue.NonRetryable(errors.New("broken"))
		}
		return nil
	}, "bad", "work")
	flow := rockqueue.NewFlow("")
	flow.OnParentFailure = rockqueue.ParentFailureCancel
	bad := flow.Add(named("bad", nil), nil)
	flow.Add(named("work", nil), nil).Named("cancelled").After(bad)
	flow.Add(named("work", nil), nil).Named("dead").AfterWith(rockqueue.ParentFailureCascade, bad)
	flow.Add(named("work", nil), nil).Named("completed").AfterWith(rockqueue.ParentFailureIgnore, bad)
	pushed, err := flows.Push(ctx, flow, nil)
	noError(t, err)
	finished, err := flows.Wait(ctx, pushed.ID)
	noError(t, err)
	equal(t, finished.State, rockqueue.FlowFailed, "state")
	for _, job := range finished.Graph[1:] {
		equal(t, strings.ToLower(string(job.State)), job.Node, "state of the child")
	}
	equal(t, finished.Graph[2].DeadReason, rockqueue.DeadParentFailed, "reason")
	equal(t, finished.Graph[3].Parents[0].OnFailure, rockqueue.ParentFailureIgnore, "policy of the edge")
}

func TestAFlowIsCancelledAndPutBack(t *testing.T) {
	_, client := ownServer(t)
	ctx, flows := within(t), client.Flows()
	flow := rockqueue.NewFlow("")
	first, second := flow.Add(named("work", nil), nil), flow.Add(named("work", nil), nil)
	flow.Chain(first, second)
	pushed, err := flows.Push(ctx, flow, nil)
	noError(t, err)
	job, err := client.Get(ctx, pushed.JobID(second))
	noError(t, err)
	equal(t, job.State, rockqueue.JobBlocked, "state of the child")
	equal(t, job.PendingParents, 1, "parents of the child")
	cancelled, err := flows.Cancel(ctx, pushed.ID)
	noError(t, err)
	equal(t, cancelled.Affected, 2, "cancelled")
	finished, err := flows.Wait(ctx, pushed.ID)
	noError(t, err)
	equal(t, finished.State, rockqueue.FlowCancelled, "state")
	back, err := flows.Retry(ctx, pushed.ID)
	noError(t, err)
	equal(t, back.Affected, 2, "put back")
	equal(t, back.Flow.State, rockqueue.FlowRunning, "state")
	handle(t, client, echo, "work")
	finished, err = flows.Wait(ctx, pushed.ID)
	noError(t, err)
	equal(t, finished.State, rockqueue.FlowCompleted, "state")
}

func TestAGroupHasItsLimitAndAJobItsReason(t *testing.T) {
	_, client := ownServer(t)
	ctx, queues := within(t), client.Queues()
	_, err := queues.Update(ctx, "default", rockqueue.QueueSettings{GroupMaxActive: new(int32(1))})
	noError(t, err)
	begun, release := make(chan string, 10), make(chan struct{})
	handle(t, client, func(_ context.Context, job *rockqueue.Delivery) error {
		begun <- job.Group
		<-release
		return nil
	}, "work")
	var ids []string
	for _, group := range []string{"a", "a", "b"} {
		pushed, err := client.Push(ctx, named("work", nil), &rockqueue.PushOptions{Group: group})
		noError(t, err)
		ids = append(ids, pushed.ID)
	}
	equal(t, receive(t, begun)+receive(t, begun), "ab", "groups that began")
	explained, err := client.Explain(ctx, ids[1])
	noError(t, err)
	equal(t, explained.State, rockqueue.JobWaiting, "state")
	equal(t, explained.Reasons[0].Kind, rockqueue.ExplainGroupMaxActive, "reason")
	equal(t, explained.Reasons[0].Count, 1, "limit")
	groups := all(t, queues.ListGroups(ctx, "default", ""))
	equal(t, groups[0].Key+groups[1].Key, "ab", "groups")
	equal(t, groups[0].Waiting*10+groups[0].Active, 11, "counts")
	reasons, err := queues.Explain(ctx, "default")
	noError(t, err)
	equal(t, len(reasons) > 0 && reasons[0].Message != "", true, "reasons of the queue")
	close(release)
	_, err = client.Wait(ctx, ids[1])
	noError(t, err)
	_, err = queues.UpdateGroup(ctx, "default", "a", rockqueue.GroupSettings{
		Weight: new(int32(3)), Rate: &rockqueue.RateLimit{Count: 1, Period: time.Hour},
	})
	noError(t, err)
}

func TestAnEventArrivesAtAReceiver(t *testing.T) {
	server, client := ownServer(t)
	ctx, webhooks := within(t), client.Webhooks()
	received := make(chan *rockqueuehook.Event, 10)
	var receiver *rockqueuehook.Receiver
	web := httptest.NewUnstartedServer(nil)
	put, err := webhooks.Put(ctx, rockqueue.NewWebhook{
		Name: "books", URL: "http://" + web.Listener.Addr().String(),
		Filter: rockqueue.EventFilter{Types: []rockqueue.EventType{rockqueue.EventJobPushed}},
	})
	noError(t, err)
	equal(t, put.Created && strings.HasPrefix(put.Secret, "whsec_"), true, "a secret of a new webhook")
	receiver, err = rockqueuehook.NewReceiver([]string{put.Secret}, &rockqueuehook.Options{Now: server.Now})
	noError(t, err)
	web.Config.Handler = receiver.Handler(func(_ context.Context, event *rockqueuehook.Event) error {
		received <- event
		return nil
	})
	web.Start()
	t.Cleanup(web.Close)
	attempt, err := webhooks.Test(ctx, "books")
	noError(t, err)
	equal(t, attempt.Status, 204, "status of the test: "+attempt.Error)
	equal(t, receive(t, received).Type, "webhook.test", "test")
	pushed, err := client.Push(ctx, greeting{Name: "Ada"}, nil)
	noError(t, err)
	told := receive(t, received)
	equal(t, told.Type, "job.pushed", "type")
	event, err := rockqueue.ParseEvent(told.Data)
	noError(t, err)
	equal(t, event.JobID, pushed.ID, "job")
	delivery := deliveredOf(t, webhooks, told.ID)
	equal(t, delivery.Event.JobID, pushed.ID, "job of the delivery")
	equal(t, delivery.Attempts[0].Status, 204, "status")
	_, err = webhooks.Resend(ctx, "books", told.ID)
	noError(t, err)
	equal(t, receive(t, received).ID, told.ID, "the same delivery again")
	if _, err := webhooks.Resend(ctx, "books", "none"); !errors.Is(err, rockqueue.ErrWebhookDeliveryNotFound) {
		t.Fatalf("expected ErrWebhookDeliveryNotFound, got %v", err)
	}
	rotated, err := webhooks.RotateSecret(ctx, "books", nil)
	noError(t, err)
	equal(t, rotated.Secret != put.Secret && !rotated.FormerSecretUntilTime.IsZero(), true, "a new secret beside the former")
	attempt, err = webhooks.Test(ctx, "books")
	noError(t, err)
	equal(t, attempt.Status, 204, "status of a test that is signed with both: "+attempt.Error)
	noError(t, webhooks.Delete(ctx, "books"))
}

// deliveredOf waits until the log has a delivery as succeeded.
func deliveredOf(t *testing.T, webhooks rockqueue.Webhooks, id string) *rockqueue.WebhookDelivery {
	t.Helper()
	var found *rockqueue.WebhookDelivery
	rockqueue.WaitUntil(t, "the delivery has succeeded", func() bool {
		for _, one := range all(t, webhooks.Deliveries(t.Context(), "books", rockqueue.WebhookSucceeded)) {
			if one.ID == id {
				found = one
			}
		}
		return found != nil
	})
	return found
}

func TestWorkersAreSeenAndBackupsAreMade(t *testing.T) {
	_, client := ownServer(t)
	ctx := within(t)
	handle(t, client, echo, "work")
	pushed, err := client.Push(ctx, named("work", 1), nil)
	noError(t, err)
	_, err = client.Wait(ctx, pushed.ID)
	noError(t, err)
	workers := all(t, client.ListWorkers(ctx, "default"))
	equal(t, len(workers), 1, "workers")
	equal(t, workers[0].State, rockqueue.SessionRunning, "state")
	equal(t, workers[0].PID > 0 && workers[0].Host != "" && strings.HasPrefix(workers[0].Client, "rockqueue-go/"), true, "who it is")
	equal(t, len(all(t, client.ListWorkers(ctx, "elsewhere"))), 0, "workers elsewhere")
	made, err := client.CreateBackup(ctx, "one")
	noError(t, err)
	equal(t, made.Name == "one" && made.SizeBytes > 0 && made.Commit > 0, true, "backup")
	if _, err := client.CreateBackup(ctx, "one"); !errors.Is(err, rockqueue.ErrBackupExists) {
		t.Fatalf("expected ErrBackupExists, got %v", err)
	}
	listed, err := client.ListBackups(ctx)
	noError(t, err)
	equal(t, listed[0].Path, made.Path, "listed")
	if _, err := sharedClient(t, rockqueue.Config{}).ListBackups(ctx); !errors.Is(err, rockqueue.ErrBackupsOff) {
		t.Fatalf("expected ErrBackupsOff, got %v", err)
	}
}
