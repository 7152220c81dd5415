package rockqueue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// greeting is the job of these tests; each test has a queue of its own.
type greeting struct {
	Name string `json:"name"`
	Wish string `json:"wish,omitempty"`
}

func (greeting) Kind() string { return "greeting" }

// greet does what the greeting wishes.
func greet(ctx context.Context, job *rockqueue.Job[greeting]) (string, error) {
	switch job.Args.Wish {
	case "fail":
		return "", &rockqueue.JobError{Type: "Wished", Message: "as you wish"}
	case "fail once":
		if job.Failures == 0 {
			return "", errors.New("not at once")
		}
	case "fail for good":
		return "", rockqueue.NonRetryable(fmt.Errorf("reading: %w", context.Canceled))
	case "panic":
		panic("as you wish")
	case "snooze":
		if job.Attempt == 1 {
			return "", rockqueue.Snooze(time.Millisecond)
		}
	case "release":
		if job.Attempt == 1 {
			return "", rockqueue.Release()
		}
	case "retry after":
		if job.Failures == 0 {
			return "", rockqueue.RetryAfter(time.Millisecond, errors.New("soon"))
		}
	case "wait":
		<-ctx.Done()
		return "", ctx.Err()
	case "follow up":
		return "", job.FollowUp(greeting{Name: "next"}, in(job.Queue))
	}
	job.Log("greeting " + job.Args.Name)
	job.Progress(50, "half")
	return "hello " + job.Args.Name, nil
}

func startGreeters(t *testing.T, client *rockqueue.Client, queue string) *rockqueue.Workers {
	t.Helper()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Queues: []string{queue}})
	rockqueue.AddWorker(workers, rockqueue.ResultFunc(greet))
	noError(t, workers.Start(t.Context()))
	t.Cleanup(func() { stopWorkers(t, workers) })
	return workers
}

func TestAResultComesBack(t *testing.T) {
	own := newQueue("results")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	startGreeters(t, client, own)
	pushed, err := client.Push(ctx, greeting{Name: "Ada"}, in(own))
	noError(t, err)
	result, err := rockqueue.Result[string](ctx, client, pushed.ID)
	noError(t, err)
	equal(t, result, "hello Ada", "result")
	job, err := client.Get(ctx, pushed.ID)
	noError(t, err)
	equal(t, job.State, rockqueue.JobCompleted, "state")
	var args greeting
	noError(t, job.UnmarshalArgs(&args))
	equal(t, args, greeting{Name: "Ada"}, "arguments")
	equal(t, job.Progress.Message, "half", "progress")
	logs, err := client.Logs(ctx, pushed.ID)
	noError(t, err)
	equal(t, logs.Lines[0].Text, "greeting Ada", "log")
}

func TestWhatAHandlerReturnsDecides(t *testing.T) {
	own := newQueue("outcomes")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	startGreeters(t, client, own)
	for wish, wanted := range map[string]string{
		"fail":          "DEAD ATTEMPTS_EXHAUSTED attempt 2 failures 2 Wished: as you wish",
		"fail once":     "COMPLETED  attempt 2 failures 1 error: not at once",
		"fail for good": "DEAD NON_RETRYABLE attempt 1 failures 1 error: reading: context canceled",
		"panic":         "DEAD ATTEMPTS_EXHAUSTED attempt 2 failures 2 panic: as you wish",
		"snooze":        "COMPLETED  attempt 2 failures 0 snoozes 1",
		"release":       "COMPLETED  attempt 2 failures 0 releases 1",
		"retry after":   "COMPLETED  attempt 2 failures 1 error: soon",
	} {
		t.Run(wish, func(t *testing.T) {
			pushed, err := client.Push(ctx, greeting{Wish: wish}, &rockqueue.PushOptions{
				Queue: own, MaxAttempts: 2, Retry: &rockqueue.RetryPolicy{Base: new(time.Duration(0))},
			})
			noError(t, err)
			job, err := client.Wait(ctx, pushed.ID)
			noError(t, err)
			got := fmt.Sprintf("%s %s attempt %d failures %d", job.State, job.DeadReason, job.Attempt, job.Failures)
			if job.Snoozes > 0 {
				got += fmt.Sprintf(" snoozes %d", job.Snoozes)
			}
			if job.Releases > 0 {
				got += fmt.Sprintf(" releases %d", job.Releases)
			}
			if len(job.Errors) > 0 {
				got += " " + job.Errors[0].Err.Error()
			}
			equal(t, got, wanted, "job")
			if wish == "panic" && !strings.Contains(job.Errors[0].Err.Stack, "greet") {
				t.Fatalf("expected the stack of the panic, got %q", job.Errors[0].Err.Stack)
			}
		})
	}
}

func TestAFailedJobIsAnErrorOfItsResult(t *testing.T) {
	own := newQueue("failures")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	startGreeters(t, client, own)
	pushed, err := client.Push(ctx, greeting{Wish: "fail for good"}, in(own))
	noError(t, err)
	_, err = rockqueue.Result[string](ctx, client, pushed.ID)
	var failed *rockqueue.JobFailedError
	if !errors.Is(err, rockqueue.ErrJobFailed) || !errors.As(err, &failed) {
		t.Fatalf("expected a JobFailedError, got %v", err)
	}
	equal(t, failed.Job.DeadReason, rockqueue.DeadNonRetryable, "reason")
}

func TestACancelledJobStopsItsHandler(t *testing.T) {
	own := newQueue("cancels")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	stream, err := client.Watch(ctx, rockqueue.EventOptions{
		Queues: []string{own}, Types: []rockqueue.EventType{rockqueue.EventJobStarted},
	})
	noError(t, err)
	defer stream.Close()
	startGreeters(t, client, own)
	pushed, err := client.Push(ctx, greeting{Wish: "wait"}, in(own))
	noError(t, err)
	event, err := stream.Next()
	noError(t, err)
	equal(t, event.JobID, pushed.ID, "the job that started")
	noError(t, client.Cancel(ctx, pushed.ID))
	job, err := client.Wait(ctx, pushed.ID)
	noError(t, err)
	equal(t, job.State, rockqueue.JobCancelled, "state")
	if err := client.Cancel(ctx, pushed.ID); err != nil {
		t.Fatalf("expected cancelling a cancelled job to be fine, got %v", err)
	}
	err = client.Cancel(ctx, "01900000-0000-7000-8000-000000000000")
	if !errors.Is(err, rockqueue.ErrJobNotFound) || !errors.Is(err, rockqueue.ErrNotFound) {
		t.Fatalf("expected ErrJobNotFound, got %v", err)
	}
}

func TestAJobThatRunsTooLongTimesOut(t *testing.T) {
	own := newQueue("timeouts")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	startGreeters(t, client, own)
	pushed, err := client.Push(ctx, greeting{Wish: "wait"}, &rockqueue.PushOptions{
		Queue: own, Timeout: 50 * time.Millisecond, MaxAttempts: 1,
	})
	noError(t, err)
	job, err := client.Wait(ctx, pushed.ID)
	noError(t, err)
	equal(t, job.State, rockqueue.JobDead, "state")
	equal(t, job.Errors[0].Err.Type, "TIMEOUT", "error")
}

func TestAFollowUpIsPushedWithTheCompletion(t *testing.T) {
	own := newQueue("follow-ups")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	startGreeters(t, client, own)
	pushed, err := client.Push(ctx, greeting{Name: "first", Wish: "follow up"}, in(own))
	noError(t, err)
	_, err = client.Wait(ctx, pushed.ID)
	noError(t, err)
	var ids []string
	for job, err := range client.List(ctx, rockqueue.JobFilter{Queue: own}, nil) {
		noError(t, err)
		ids = append(ids, job.ID)
	}
	equal(t, len(ids), 2, "jobs")
	result, err := rockqueue.Result[string](ctx, client, ids[1])
	noError(t, err)
	equal(t, result, "hello next", "result of the follow-up")
}

func TestJobsAreListedChangedAndDeleted(t *testing.T) {
	own := newQueue("listed")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	jobs := make([]rockqueue.NewJob, 25)
	for number := range jobs {
		jobs[number] = rockqueue.NewJob{Args: greeting{Name: fmt.Sprint(number)}, Options: &rockqueue.PushOptions{
			Queue: own, Tags: []string{fmt.Sprintf("odd-%d", number%2)}, Headers: map[string]string{"tenant": "x"},
		}}
	}
	pushed, err := client.PushMany(ctx, jobs, nil)
	noError(t, err)
	filter := rockqueue.JobFilter{Queue: own, Tags: []string{"odd-1"}}
	count := 0
	for job, err := range client.List(ctx, filter, &rockqueue.ListOptions{PageSize: 3, NewestFirst: true, IncludePayload: true}) {
		noError(t, err)
		equal(t, job.ID, pushed[23-2*count].ID, "order")
		equal(t, string(job.Payload), fmt.Sprintf(`{"name":"%d"}`, 23-2*count), "payload")
		equal(t, job.Headers["tenant"], "x", "header")
		count++
	}
	equal(t, count, 12, "jobs with the tag")
	would, err := client.CancelAll(ctx, filter, &rockqueue.BulkOptions{DryRun: true})
	noError(t, err)
	equal(t, would, 12, "dry run")
	cancelled, err := client.CancelAll(ctx, filter, nil)
	noError(t, err)
	equal(t, cancelled, 12, "cancelled")
	noError(t, client.Retry(ctx, pushed[1].ID, &rockqueue.RetryOptions{IntoQueue: "listed-elsewhere"}))
	retried, err := client.RetryAll(ctx, filter, nil)
	noError(t, err)
	equal(t, retried, 11, "put back")
	err = client.Retry(ctx, pushed[0].ID, nil)
	var known *rockqueue.Error
	if !errors.Is(err, rockqueue.ErrInvalidState) || !errors.As(err, &known) || known.Metadata["state"] != "WAITING" {
		t.Fatalf("expected ErrInvalidState of a WAITING job, got %v", err)
	}
	result, err := client.DeleteMany(ctx, []string{pushed[0].ID, "01900000-0000-7000-8000-000000000000"})
	noError(t, err)
	equal(t, result.Affected, 1, "deleted")
	equal(t, len(result.Failures), 1, "not deleted")
	_, err = client.DeleteAll(ctx, rockqueue.JobFilter{Queue: own}, nil)
	noError(t, err)
	for job, err := range client.List(ctx, rockqueue.JobFilter{Queue: own}, nil) {
		t.Fatalf("expected nothing to be left, got %v (%v)", job, err)
	}
}

func TestQueuesAreLookedAfter(t *testing.T) {
	own := newQueue("kept")
	client := sharedClient(t, rockqueue.Config{Retry: rockqueue.CallRetry{MaxAttempts: 1}})
	ctx := within(t)
	queue, err := client.Queues().Update(ctx, own, rockqueue.QueueSettings{
		MaxBacklogJobs: new(int64(2)), MaxBacklogBytes: new(int64(1000)), DeadRetention: new(time.Hour),
		DefaultRetry: &rockqueue.RetryPolicy{MaxAttempts: 7},
	})
	noError(t, err)
	equal(t, *queue.Settings.MaxBacklogJobs, 2, "backlog")
	equal(t, *queue.Settings.MaxBacklogBytes, 1000, "bytes of the backlog")
	equal(t, *queue.Settings.DeadRetention, time.Hour, "retention")
	equal(t, queue.Settings.DefaultRetry.MaxAttempts, 7, "attempts")
	for range 2 {
		_, err = client.Push(ctx, greeting{}, in(own))
		noError(t, err)
	}
	_, err = client.Push(ctx, greeting{}, in(own))
	if !errors.Is(err, rockqueue.ErrQueueFull) {
		t.Fatalf("expected ErrQueueFull, got %v", err)
	}
	queue, err = client.Queues().Pause(ctx, own)
	noError(t, err)
	equal(t, queue.Paused, true, "paused")
	equal(t, queue.Counts.Waiting, 2, "waiting")
	equal(t, queue.BacklogBytes > 0, true, "bytes that wait")
	queue, err = client.Queues().Resume(ctx, own)
	noError(t, err)
	equal(t, queue.Paused, false, "paused")
	queue, err = client.Queues().Update(ctx, own, rockqueue.QueueSettings{}, "max_backlog_jobs")
	noError(t, err)
	equal(t, queue.Settings.MaxBacklogJobs == nil, true, "backlog without a limit")
	_, err = client.Push(ctx, greeting{Name: strings.Repeat("x", 1000)}, in(own))
	if !errors.Is(err, rockqueue.ErrQueueFull) {
		t.Fatalf("expected ErrQueueFull, got %v", err)
	}
	purged, err := client.Queues().Purge(ctx, own)
	noError(t, err)
	equal(t, purged, 2, "purged")
	found := 0
	for queue, err := range client.Queues().List(ctx, own) {
		noError(t, err)
		equal(t, queue.Name, own, "name")
		found++
	}
	equal(t, found, 1, "queues")
	_, err = client.Queues().Get(ctx, "never-made")
	if !errors.Is(err, rockqueue.ErrQueueNotFound) {
		t.Fatalf("expected ErrQueueNotFound, got %v", err)
	}
}

func TestJobsArePulledSettledAndExtendedByHand(t *testing.T) {
	own := newQueue("by-hand")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	pushed, err := client.Push(ctx, greeting{Name: "by hand"}, in(own))
	noError(t, err)
	work := rockqueuepb.NewWorkServiceClient(client.Raw())
	pulled, err := work.PullJobs(ctx, &rockqueuepb.PullJobsRequest{Queues: []string{own}, Worker: "w"})
	noError(t, err)
	token := pulled.GetDeliveries()[0].GetLeaseToken()
	extended, err := work.ExtendLeases(ctx, &rockqueuepb.ExtendLeasesRequest{
		LeaseTokens: [][]byte{token}, Lease: durationpb.New(time.Minute),
	})
	noError(t, err)
	equal(t, extended.GetLeases()[0].GetStatus().GetCode(), 0, "extension")
	settled, err := work.SettleJobs(ctx, &rockqueuepb.SettleJobsRequest{Settlements: []*rockqueuepb.Settlement{{
		LeaseToken: token, Outcome: &rockqueuepb.Settlement_Complete{Complete: &rockqueuepb.Complete{Result: []byte("1")}},
	}}})
	noError(t, err)
	equal(t, settled.GetResults()[0].GetCode(), 0, "settlement")
	job, err := client.Get(ctx, pushed.ID)
	noError(t, err)
	equal(t, job.State, rockqueue.JobCompleted, "state")
}

func TestAUniqueKeyMakesOneJob(t *testing.T) {
	own := newQueue("unique")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	options := &rockqueue.PushOptions{Queue: own, Unique: &rockqueue.Unique{Key: "user-7"}}
	first, err := client.Push(ctx, greeting{}, options)
	noError(t, err)
	second, err := client.Push(ctx, greeting{}, options)
	noError(t, err)
	equal(t, second, rockqueue.PushedJob{ID: first.ID, Existing: true}, "second push")
	options.Unique.OnConflict = rockqueue.Reject
	_, err = client.Push(ctx, greeting{}, options)
	var known *rockqueue.Error
	if !errors.Is(err, rockqueue.ErrUniqueConflict) || !errors.As(err, &known) {
		t.Fatalf("expected ErrUniqueConflict, got %v", err)
	}
	equal(t, known.Metadata["job_id"], first.ID, "holder")
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	own := newQueue("nobody-works-here")
	client := sharedClient(t, rockqueue.Config{})
	pushed, err := client.Push(within(t), greeting{}, in(own))
	noError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = client.Wait(ctx, pushed.ID)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("expected context.DeadlineExceeded, got %v", err)
	}
}

func TestAnInvalidPushSaysWhere(t *testing.T) {
	client := sharedClient(t, rockqueue.Config{})
	_, err := client.Push(within(t), greeting{}, in("not a queue"))
	var known *rockqueue.Error
	if !errors.Is(err, rockqueue.ErrInvalidRequest) || !errors.As(err, &known) {
		t.Fatalf("expected ErrInvalidRequest, got %v", err)
	}
	equal(t, known.Metadata["field"], "queue", "field")
	_, err = client.Push(within(t), named("n", make(chan int)), nil)
	if !errors.Is(err, rockqueue.ErrPayload) || !errors.Is(err, rockqueue.ErrInvalidRequest) {
		t.Fatalf("expected ErrPayload, got %v", err)
	}
	_, err = client.Push(within(t), greeting{}, &rockqueue.PushOptions{Delay: 1, RunTime: time.Now()})
	if !errors.Is(err, rockqueue.ErrUsage) {
		t.Fatalf("expected options that exclude each other to be ErrUsage, got %v", err)
	}
}

func TestAPayloadThatCannotBeReadIsDeadAtOnce(t *testing.T) {
	own := newQueue("unreadable")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	startGreeters(t, client, own)
	pushed, err := client.Push(ctx, named("greeting", []int{1}), in(own))
	noError(t, err)
	job, err := client.Wait(ctx, pushed.ID)
	noError(t, err)
	equal(t, job.DeadReason, rockqueue.DeadNonRetryable, "reason")
	equal(t, job.Errors[0].Err.Type, "PAYLOAD_ERROR", "type")
}

func TestEventsAreSeenInOrderAndResumed(t *testing.T) {
	own := newQueue("seen")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	startGreeters(t, client, own)
	stream, err := client.Watch(ctx, rockqueue.EventOptions{Queues: []string{own}, Names: []string{"greeting"}})
	noError(t, err)
	defer stream.Close()
	start := stream.Cursor()
	pushed, err := client.Push(ctx, greeting{Wish: "fail for good"}, in(own))
	noError(t, err)
	var seen []string
	cursor := ""
	for event, err := range stream.All() {
		noError(t, err)
		equal(t, event.JobID, pushed.ID, "job")
		seen = append(seen, string(event.Type))
		if event.Type == rockqueue.EventJobStarted {
			cursor = event.Cursor
		}
		if event.Type == rockqueue.EventJobDead {
			equal(t, event.DeadReason, rockqueue.DeadNonRetryable, "reason")
			break
		}
	}
	equal(t, strings.Join(seen, " "), "JOB_PUSHED JOB_STARTED JOB_FAILED JOB_DEAD", "events")
	for from, wanted := range map[string]rockqueue.EventType{start: rockqueue.EventJobPushed, cursor: rockqueue.EventJobFailed} {
		for event, err := range client.Events(ctx, rockqueue.EventOptions{Queues: []string{own}, Names: []string{"greeting"}, After: from}) {
			noError(t, err)
			equal(t, event.Type, wanted, "the event after the cursor")
			break
		}
	}
	for event, err := range client.Events(ctx, rockqueue.EventOptions{After: "not a cursor"}) {
		if !errors.Is(err, rockqueue.ErrInvalidRequest) {
			t.Fatalf("expected ErrInvalidRequest, got %v and %v", event, err)
		}
	}
}

func TestTheServerSaysWhatItIs(t *testing.T) {
	info, err := sharedClient(t, rockqueue.Config{}).ServerInfo(within(t))
	noError(t, err)
	if info.Version == "" || !info.Capabilities.GetWorkStream() || info.Limits.GetBatchEntries() == 0 || info.Time.IsZero() {
		t.Fatalf("expected version, capabilities, limits and time, got %+v", info)
	}
}

func TestWorkMiddlewareIsCalledAroundEachHandler(t *testing.T) {
	own := newQueue("layers")
	client := sharedClient(t, rockqueue.Config{})
	ctx := within(t)
	type key struct{}
	layer := func(name string) rockqueue.WorkMiddleware {
		return func(ctx context.Context, delivery *rockqueue.Delivery, next rockqueue.HandlerFunc) error {
			before, _ := ctx.Value(key{}).(string)
			return next(context.WithValue(ctx, key{}, before+name), delivery)
		}
	}
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{
		Queues: []string{own}, Middleware: []rockqueue.WorkMiddleware{layer("outer "), layer("inner")},
	})
	workers.HandleFunc("greeting", func(ctx context.Context, delivery *rockqueue.Delivery) error {
		if own, ok := rockqueue.ClientFromContext(ctx); !ok || own != client {
			return errors.New("the context does not carry the client")
		}
		return delivery.SetResult(ctx.Value(key{}))
	})
	noError(t, workers.Start(ctx))
	defer stopWorkers(t, workers)
	pushed, err := client.Push(ctx, greeting{}, in(own))
	noError(t, err)
	result, err := rockqueue.Result[string](ctx, client, pushed.ID)
	noError(t, err)
	equal(t, result, "outer inner", own)
}
