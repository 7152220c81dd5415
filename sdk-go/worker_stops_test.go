package rockqueue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

func TestAWorkerThatStopsGivesBackWhatHasNotBegun(t *testing.T) {
	server := scripted.New(t)
	began, finish := make(chan struct{}), make(chan struct{})
	var order []string
	server.Play(func(talk *scripted.Talk) error {
		_, err := talk.Opened(&rockqueuepb.SessionOpened{HeartbeatInterval: durationpb.New(300 * time.Millisecond)})
		if err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "work", "1"), scripted.Delivery(2, "work", "2")); err != nil {
			return err
		}
		if err := talk.Expect("drain"); err != nil {
			return err
		}
		found, err := talk.Settlements(1)
		if err != nil {
			return err
		}
		if err := errors.Join(
			check(string(found[0].GetLeaseToken()), "t2", "token"),
			check(found[0].GetRelease() != nil, true, "released"),
		); err != nil {
			return err
		}
		// The handler goes on, and so do the heartbeats that keep its lease.
		before := talk.Heartbeats.Load()
		for limit := time.Now().Add(testTime); talk.Heartbeats.Load() < before+2; time.Sleep(time.Millisecond) {
			if time.Now().After(limit) {
				return errors.New("no heartbeats while draining")
			}
		}
		close(finish)
		found, err = talk.Settlements(1)
		if err != nil {
			return err
		}
		order = append(order, string(found[0].GetLeaseToken()))
		if err := check(found[0].GetComplete() != nil, true, "completed"); err != nil {
			return err
		}
		return talk.Goodbye()
	})
	workers := startWorkers(t, server, rockqueue.WorkersConfig{Concurrency: 1, Prefetch: new(1)},
		func(_ context.Context, delivery *rockqueue.Delivery) error {
			close(began)
			<-delivery.ShuttingDown()
			<-finish
			return nil
		})
	receive(t, began)
	noError(t, workers.Stop(within(t)))
	noError(t, workers.Stop(within(t)))
	server.WaitPlayed()
	equal(t, len(order), 1, "settlements")
	equal(t, workers.State(), rockqueue.WorkerStopped, "state")
	receive(t, workers.Stopped())
}

func TestHandlersThatOutlastTheGraceAreCancelledAndReleased(t *testing.T) {
	stops := map[string]func(*testing.T, *rockqueue.Workers) error{
		"grace": func(t *testing.T, workers *rockqueue.Workers) error { t.Helper(); return workers.Stop(within(t)) },
		"context": func(t *testing.T, workers *rockqueue.Workers) error {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			return workers.Stop(ctx)
		},
		"at once": func(t *testing.T, workers *rockqueue.Workers) error {
			t.Helper()
			return workers.StopAndCancel(within(t))
		},
	}
	for name, stop := range stops {
		t.Run(name, func(t *testing.T) {
			server := scripted.New(t)
			began, causes := make(chan struct{}), make(chan error, 1)
			server.Play(func(talk *scripted.Talk) error {
				if _, err := talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
					return err
				}
				if err := talk.Deliver(scripted.Delivery(1, "work", "1")); err != nil {
					return err
				}
				if err := talk.Expect("drain"); err != nil {
					return err
				}
				found, err := talk.Settlements(1)
				if err != nil {
					return err
				}
				if err := check(found[0].GetRelease() != nil, true, "released"); err != nil {
					return err
				}
				return talk.Goodbye()
			})
			grace := time.Hour
			if name == "grace" {
				grace = 20 * time.Millisecond
			}
			workers := startWorkers(t, server, rockqueue.WorkersConfig{Grace: grace},
				func(ctx context.Context, _ *rockqueue.Delivery) error {
					close(began)
					<-ctx.Done()
					causes <- context.Cause(ctx)
					return errors.New("signal: killed")
				})
			receive(t, began)
			noError(t, stop(t, workers))
			if cause := receive(t, causes); !errors.Is(cause, rockqueue.ErrShutdown) {
				t.Fatalf("expected ErrShutdown, got %v", cause)
			}
			server.WaitPlayed()
		})
	}
}

func TestAHandlerThatDoesNotReturnIsGivenUp(t *testing.T) {
	server := scripted.New(t)
	began, release := make(chan struct{}), make(chan struct{})
	server.Play(func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "work", "1")); err != nil {
			return err
		}
		if err := talk.Expect("drain"); err != nil {
			return err
		}
		found, err := talk.Settlements(1)
		if err != nil {
			return err
		}
		if err := check(found[0].GetRelease() != nil, true, "released"); err != nil {
			return err
		}
		return talk.Goodbye()
	})
	workers := startWorkers(t, server, rockqueue.WorkersConfig{}, func(context.Context, *rockqueue.Delivery) error {
		close(began)
		<-release
		return nil
	})
	receive(t, began)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	noError(t, workers.StopAndCancel(ctx))
	server.WaitPlayed()
	close(release)
}

func TestAServerThatDrainsIsLeftInGoodOrderAndMetAgain(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	server.Play(func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{SessionId: "one"}); err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "work", "1")); err != nil {
			return err
		}
		talk.Send(&rockqueuepb.WorkResponse{Message: &rockqueuepb.WorkResponse_Drain{Drain: &rockqueuepb.Drain{}}})
		found, err := talk.Settlements(1)
		if err != nil {
			return err
		}
		if err := check(found[0].GetComplete() != nil, true, "completed"); err != nil {
			return err
		}
		return talk.Goodbye()
	}, script(settled, func(talk *scripted.Talk) error {
		open, err := talk.Opened(&rockqueuepb.SessionOpened{SessionId: "two"})
		if err != nil {
			return err
		}
		return check(open.GetSessionId(), "", "session")
	}))
	played(t, server, startWorkers(t, server, rockqueue.WorkersConfig{Concurrency: 1}, echo), settled)
}

func TestWorkersStopWhenTheirContextEnds(t *testing.T) {
	server := scripted.New(t)
	opened := make(chan struct{})
	server.Play(func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
			return err
		}
		close(opened)
		return talk.Drained()
	})
	workers := rockqueue.NewWorkers(clientOf(t, server, rockqueue.Config{}), rockqueue.WorkersConfig{Queues: []string{"q"}})
	workers.HandleFunc("work", echo)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-opened
		cancel()
	}()
	noError(t, workers.Run(ctx))
	equal(t, workers.State(), rockqueue.WorkerStopped, "state")
	server.WaitPlayed()
}

func TestWorkersStopWithoutAServer(t *testing.T) {
	server := scripted.New(t)
	workers := startWorkers(t, server, rockqueue.WorkersConfig{}, echo)
	server.Until("a stream was tried", func() bool { return server.Streams() >= 1 })
	noError(t, workers.Stop(within(t)))
	equal(t, workers.State(), rockqueue.WorkerStopped, "state")
}

func TestWorkersStartOnceAndKnowWhatTheyNeed(t *testing.T) {
	server := scripted.New(t)
	client := clientOf(t, server, rockqueue.Config{})
	none := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Queues: []string{"q"}})
	if none.Start(t.Context()) == nil {
		t.Fatal("expected workers without handlers not to start")
	}
	nowhere := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{})
	nowhere.HandleFunc("work", echo)
	if nowhere.Start(t.Context()) == nil {
		t.Fatal("expected workers without queues not to start")
	}
	tooMany := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Queues: []string{"q"}, Concurrency: 6000})
	tooMany.HandleFunc("work", echo)
	if tooMany.Start(t.Context()) == nil {
		t.Fatal("expected workers with too large a window not to start")
	}
	never := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Queues: []string{"q"}})
	never.HandleFunc("work", echo)
	noError(t, never.Stop(t.Context()))
	equal(t, never.State(), rockqueue.WorkerStopped, "state")
	if never.Start(t.Context()) == nil {
		t.Fatal("expected workers to start once")
	}
}
