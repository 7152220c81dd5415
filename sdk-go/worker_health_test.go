package rockqueue_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// logLines keeps what is logged.
type logLines struct {
	slog.Handler

	mu    sync.Mutex
	lines []string
}

func newLogLines() *logLines { return &logLines{Handler: slog.DiscardHandler} }

func (l *logLines) Enabled(context.Context, slog.Level) bool { return true }

func (l *logLines) Handle(_ context.Context, record slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, record.Level.String()+" "+record.Message)
	return nil
}

func (l *logLines) count(text string) (found int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found++
		}
	}
	return found
}

// untilBeat waits for a heartbeat about which something holds.
func untilBeat(talk *scripted.Talk, holds func(*rockqueuepb.Heartbeat) bool) error {
	for limit := time.Now().Add(testTime); ; time.Sleep(time.Millisecond) {
		if beat := talk.LastHeartbeat.Load(); beat != nil && holds(beat) {
			return nil
		}
		if time.Now().After(limit) {
			return errors.New("no such heartbeat came")
		}
	}
}

// stuckWorkers run two handlers, "quick" at once, and "stuck" until the body finishes it, or has ended; it sees heartbeats
// every 20 ms.
func stuckWorkers(
	t *testing.T, stuckAfter time.Duration, body func(talk *scripted.Talk, finish func() error) error,
) *logLines {
	t.Helper()
	server, logged, settled := scripted.New(t), newLogLines(), make(chan error, 1)
	release := make(chan struct{})
	server.Play(script(settled, func(talk *scripted.Talk) error {
		_, err := talk.Opened(&rockqueuepb.SessionOpened{HeartbeatInterval: durationpb.New(20 * time.Millisecond)})
		if err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "stuck", "1"), scripted.Delivery(2, "quick", "2")); err != nil {
			return err
		}
		if _, err := talk.Settlements(1); err != nil {
			return err
		}
		finish := sync.OnceValue(func() error {
			close(release)
			_, err := talk.Settlements(1)
			return err
		})
		return errors.Join(body(talk, finish), finish())
	}))
	client, err := rockqueue.NewClient(rockqueue.Config{URL: server.URL(), Logger: slog.New(logged)})
	noError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Queues: []string{"q"}, StuckAfter: &stuckAfter})
	workers.HandleFunc("stuck", func(context.Context, *rockqueue.Delivery) error {
		<-release
		return nil
	})
	workers.HandleFunc("quick", echo)
	noError(t, workers.Start(t.Context()))
	t.Cleanup(func() { stopWorkers(t, workers) })
	played(t, server, workers, settled)
	return logged
}

func TestAHandlerThatRunsForTooLongIsToldOfUntilItEnds(t *testing.T) {
	logged := stuckWorkers(t, 50*time.Millisecond, func(talk *scripted.Talk, finish func() error) error {
		stuck := func(beat *rockqueuepb.Heartbeat) bool {
			return len(beat.GetStuckLeases()) == 1 && string(beat.GetStuckLeases()[0]) == "t1"
		}
		if err := untilBeat(talk, stuck); err != nil {
			return err
		}
		// More heartbeats tell of it, and one line of the log.
		for seen := talk.Heartbeats.Load(); talk.Heartbeats.Load() < seen+3; time.Sleep(time.Millisecond) {
		}
		if err := finish(); err != nil {
			return err
		}
		return untilBeat(talk, func(beat *rockqueuepb.Heartbeat) bool { return len(beat.GetStuckLeases()) == 0 })
	})
	equal(t, logged.count("WARN a handler may be stuck"), 1, "lines about the handler")
}

func TestStuckHandlersAreNoMatterWhereThatIsSwitchedOff(t *testing.T) {
	logged := stuckWorkers(t, 0, func(talk *scripted.Talk, _ func() error) error {
		first := talk.Heartbeats.Load()
		return untilBeat(talk, func(beat *rockqueuepb.Heartbeat) bool {
			if len(beat.GetStuckLeases()) > 0 {
				panic("a stuck handler was told of")
			}
			return talk.Heartbeats.Load() > first+3
		})
	})
	equal(t, logged.count("stuck"), 0, "lines about the handler")
}

func TestHeartbeatsSayByHowMuchTheirTimerWasLate(t *testing.T) {
	stuckWorkers(t, time.Hour, func(talk *scripted.Talk, _ func() error) error {
		return untilBeat(talk, func(beat *rockqueuepb.Heartbeat) bool {
			lag := beat.GetLoopLag()
			return lag != nil && lag.AsDuration() > 0 && lag.AsDuration() < testTime
		})
	})
}

func TestStuckAfterMustNotBeNegative(t *testing.T) {
	client, err := rockqueue.NewClient(rockqueue.Config{})
	noError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{
		Queues: []string{"q"}, StuckAfter: new(-time.Second),
	})
	workers.HandleFunc("work", echo)
	if err := workers.Start(t.Context()); !errors.Is(err, rockqueue.ErrUsage) {
		t.Fatalf("expected ErrUsage, got %v", err)
	}
}

func TestAHandlerKnowsItsGroupItsOriginAndItsParents(t *testing.T) {
	server, settled := scripted.New(t), make(chan error, 1)
	server.Answer("ListParents",
		scripted.Reply(&rockqueuepb.ListParentsResponse{NextPageToken: "1", Parents: []*rockqueuepb.ParentJob{{
			Node: "a", JobId: "id-a", State: rockqueuepb.JobState_JOB_STATE_COMPLETED,
			Result: []byte(`{"n":7}`), ResultContentType: "application/json",
		}}}),
		scripted.Reply(&rockqueuepb.ListParentsResponse{Parents: []*rockqueuepb.ParentJob{{
			JobId: "id-b", State: rockqueuepb.JobState_JOB_STATE_DEAD,
		}}}))
	server.Play(script(settled, func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
			return err
		}
		alone, child := scripted.Delivery(1, "work", "1"), scripted.Delivery(2, "work", "2")
		child.Spec.Group = "g"
		child.Spec.Origin = &rockqueuepb.JobOrigin{FlowId: "f", FlowNode: "n"}
		if err := talk.Deliver(alone, child); err != nil {
			return err
		}
		found, err := talk.Settlements(2)
		if err != nil {
			return err
		}
		var results []string
		for _, one := range found {
			results = append(results, string(one.GetComplete().GetResult()))
		}
		text := strings.Join(results, " ")
		if text != `{"n":7} "alone"` && text != `"alone" {"n":7}` {
			return errors.New("got " + text)
		}
		return nil
	}))
	workers := startWorkers(t, server, rockqueue.WorkersConfig{}, func(ctx context.Context, job *rockqueue.Delivery) error {
		parents, err := job.Parents(ctx)
		if err != nil {
			return err
		}
		if job.Origin == (rockqueue.Origin{}) && job.Group == "" && len(parents) == 0 {
			return job.SetResult("alone")
		}
		equal(t, job.Origin, rockqueue.Origin{FlowID: "f", FlowNode: "n"}, "origin")
		equal(t, job.Group, "g", "group")
		equal(t, parents["id-b"].State, rockqueue.JobDead, "state of a parent of no name")
		equal(t, parents["a"].JobID, "id-a", "id of a parent")
		var result struct {
			N int `json:"n"`
		}
		if err := parents["a"].UnmarshalResult(&result); err != nil {
			return err
		}
		return job.SetResult(result)
	})
	played(t, server, workers, settled)
	sent(t, server, "ListParents", &rockqueuepb.ListParentsRequest{JobId: "job-2", PageToken: "1"})
}
