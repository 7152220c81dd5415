package rockqueuetest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuetest"
)

func TestMain(m *testing.M) {
	if programs, err := filepath.Abs("../../.venv/bin"); err == nil {
		os.Setenv("PATH", programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	goleak.VerifyTestMain(m)
}

type welcome struct {
	To string `json:"to"`
}

func (welcome) Kind() string { return "welcome" }

func send(ctx context.Context, job *rockqueue.Job[welcome]) (string, error) {
	job.Log("sending to " + job.Args.To)
	job.Progress(50, "half")
	switch job.Args.To {
	case "nobody":
		return "", rockqueue.NonRetryable(errors.New("not an address"))
	case "later":
		return "", rockqueue.Snooze(time.Hour)
	case "busy":
		return "", rockqueue.RetryAfter(time.Minute, errors.New("busy"))
	case "back":
		return "", rockqueue.Release()
	case "panic":
		panic("no mail today")
	case "wait":
		<-ctx.Done()
		return "", ctx.Err()
	case "parents":
		parents, err := job.Parents(ctx)
		if err != nil || len(parents) != 1 {
			return "", fmt.Errorf("expected one parent, got %v (%w)", parents, err)
		}
		var pages string
		err = parents["render"].UnmarshalResult(&pages)
		return pages, err
	case "next":
		return "", job.FollowUp(welcome{To: "ada@example.com"}, nil)
	}
	return "sent to " + job.Args.To, nil
}

func TestOneJobIsWorkedWithoutAServer(t *testing.T) {
	worker := rockqueue.ResultFunc(send)
	work := func(to string) *rockqueuetest.Worked {
		return rockqueuetest.Work(t.Context(), t, worker, welcome{To: to}, nil)
	}
	good := work("ada@example.com")
	var result string
	if err := good.Result(&result); err != nil || result != "sent to ada@example.com" || good.Outcome != rockqueuetest.Completed {
		t.Fatalf("expected a result, got %q, %v and %+v", result, err, good)
	}
	if good.Logs[0] != "sending to ada@example.com" || good.Progress.Message != "half" {
		t.Fatalf("expected log and progress, got %+v", good)
	}
	if bad := work("nobody"); bad.Outcome != rockqueuetest.Failed || !bad.ForGood || bad.Error.Message != "not an address" {
		t.Fatalf("expected a failure for good, got %+v", bad)
	}
	if later := work("later"); later.Outcome != rockqueuetest.Snoozed || later.Delay != time.Hour {
		t.Fatalf("expected to be snoozed, got %+v", later)
	}
	if busy := work("busy"); busy.Outcome != rockqueuetest.Failed || busy.ForGood || busy.Delay != time.Minute {
		t.Fatalf("expected to be retried after a minute, got %+v", busy)
	}
	if back := work("back"); back.Outcome != rockqueuetest.Released {
		t.Fatalf("expected to be released, got %+v", back)
	}
	if broken := work("panic"); broken.Error.Type != "panic" || !strings.Contains(broken.Error.Stack, "send") {
		t.Fatalf("expected a panic with its stack, got %+v", broken)
	}
	if next := work("next"); len(next.FollowUps) != 1 || next.FollowUps[0].GetName() != "welcome" {
		t.Fatalf("expected a follow-up, got %+v", next)
	}
	child := rockqueuetest.Work(t.Context(), t, worker, welcome{To: "parents"}, &rockqueuetest.WorkOptions{
		Parents: map[string]any{"render": "7 pages"},
	})
	if err := child.Result(&result); err != nil || result != "7 pages" {
		t.Fatalf("expected the result of the parent, got %q (%v) and %+v", result, err, child)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stopped := rockqueuetest.Work(ctx, t, worker, welcome{To: "wait"}, nil)
	if stopped.Outcome != rockqueuetest.Cancelled {
		t.Fatalf("expected to be cancelled, got %+v", stopped)
	}
}

func TestAClockIsTurnedAndPushesAreFound(t *testing.T) {
	server := rockqueuetest.NewServer(t)
	client := server.Client(rockqueue.Config{Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	rockqueuetest.RequireNotPushed[welcome](ctx, t, client, rockqueue.JobFilter{})
	pushed, err := client.Push(ctx, welcome{To: "ada@example.com"}, &rockqueue.PushOptions{Delay: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	job := rockqueuetest.RequirePushed[welcome](ctx, t, client, rockqueue.JobFilter{State: rockqueue.JobDelayed})
	if job.ID != pushed.ID || job.Args.To != "ada@example.com" {
		t.Fatalf("expected the job that was pushed, got %+v", job)
	}
	before := server.Freeze()
	if now := server.Advance(24 * time.Hour); now.Sub(before) != 24*time.Hour || !server.Now().Equal(now) {
		t.Fatalf("expected a day, got %s", now.Sub(before))
	}
	rockqueuetest.RequirePushed[welcome](ctx, t, client, rockqueue.JobFilter{State: rockqueue.JobWaiting})
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{})
	rockqueue.AddWorker(workers, rockqueue.ResultFunc(send))
	if err := workers.Start(ctx); err != nil {
		t.Fatal(err)
	}
	result, err := rockqueue.Result[string](ctx, client, pushed.ID)
	if err != nil || result != "sent to ada@example.com" {
		t.Fatalf("expected the result, got %q (%v)", result, err)
	}
	// The clock goes on under a running worker, who is not taken for one that hangs.
	server.Advance(time.Hour)
	again, err := client.Push(ctx, welcome{To: "grace@example.com"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rockqueue.Result[string](ctx, client, again.ID); err != nil {
		t.Fatal(err)
	}
	if err := workers.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if problems := server.Problems(); len(problems) > 0 {
		t.Fatalf("problems of the store: %v", problems)
	}
}
