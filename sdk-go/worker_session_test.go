package rockqueue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// echo completes a job with its payload.
func echo(_ context.Context, delivery *rockqueue.Delivery) error {
	return delivery.SetResult(json.RawMessage(delivery.Payload))
}

// startWorkers starts workers for jobs of kind "work" in queue "q", and stops them with the test.
func startWorkers(
	t *testing.T, server *scripted.Server, config rockqueue.WorkersConfig, handler rockqueue.HandlerFunc,
) *rockqueue.Workers {
	t.Helper()
	if config.Queues == nil {
		config.Queues = []string{"q"}
	}
	workers := rockqueue.NewWorkers(clientOf(t, server, rockqueue.Config{}), config)
	workers.HandleFunc("work", handler)
	noError(t, workers.Start(t.Context()))
	t.Cleanup(func() { stopWorkers(t, workers) })
	return workers
}

func stopWorkers(t *testing.T, workers *rockqueue.Workers) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	defer cancel()
	_ = workers.Stop(ctx)
}

// check ends a script with an error when something is not as expected.
func check[T comparable](got, wanted T, what string) error {
	if got != wanted {
		return fmt.Errorf("%s: expected %v, got %v", what, wanted, got)
	}
	return nil
}

// played waits for the settlements of a script, stops the workers, and waits for its end.
func played(t *testing.T, server *scripted.Server, workers *rockqueue.Workers, settled <-chan error) {
	t.Helper()
	noError(t, receive(t, settled))
	stopWorkers(t, workers)
	server.WaitPlayed()
}

// script plays the body, tells the test, and takes the orderly end of the workers.
func script(settled chan<- error, body func(talk *scripted.Talk) error) scripted.Script {
	return func(talk *scripted.Talk) error {
		err := body(talk)
		settled <- err
		if err != nil {
			return err
		}
		return talk.Drained()
	}
}

func TestAJobIsDeliveredRunAndCompleted(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	var open *rockqueuepb.OpenSession
	server.Play(script(settled, func(talk *scripted.Talk) (err error) {
		if open, err = talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
			return err
		}
		if err := talk.Credits(20); err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "work", `{"a":1}`)); err != nil {
			return err
		}
		found, err := talk.Settlements(1)
		if err != nil {
			return err
		}
		complete := found[0].GetComplete()
		return errors.Join(
			check(string(found[0].GetLeaseToken()), "t1", "token"),
			check(string(complete.GetResult()), `{"a":1}`, "result"),
			check(complete.GetResultContentType(), "application/json", "content type"),
		)
	}))
	workers := startWorkers(t, server, rockqueue.WorkersConfig{
		Queues: []string{"q", "r"}, Name: "w-1", Lease: time.Minute, ResumeGrace: new(5 * time.Second),
	}, echo)
	equal(t, workers.State(), rockqueue.WorkerRunning, "state")
	played(t, server, workers, settled)
	equal(t, workers.State(), rockqueue.WorkerStopped, "state")
	equal(t, strings.Join(open.GetQueues(), " "), "q r", "queues")
	equal(t, open.GetWorker()+open.GetSessionId(), "w-1", "worker and session")
	equal(t, open.GetLease().AsDuration(), time.Minute, "lease")
	equal(t, open.GetResumeGrace().AsDuration(), 5*time.Second, "resume grace")
	host, _ := os.Hostname()
	equal(t, open.GetHost(), host, "host")
	equal(t, open.GetPid(), int64(os.Getpid()), "process")
	if !strings.HasPrefix(open.GetClient(), "rockqueue-go/") {
		t.Fatalf("expected rockqueue-go, got %q", open.GetClient())
	}
}

func TestCreditsTravelWithTheSettlementsThatFreedThem(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	server.Play(script(settled, func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
			return err
		}
		for number := range 5 {
			if err := talk.Deliver(scripted.Delivery(number, "work", "1")); err != nil {
				return err
			}
			batch, err := talk.Batch()
			if err != nil {
				return err
			}
			if err := errors.Join(
				check(batch.GetCredits(), 1, "credits"),
				check(batch.GetSequence(), int64(number)+1, "sequence"),
			); err != nil {
				return err
			}
			talk.Settle(batch)
		}
		return nil
	}))
	workers := startWorkers(t, server, rockqueue.WorkersConfig{Concurrency: 1, Prefetch: new(0)}, echo)
	played(t, server, workers, settled)
}

func TestWhatFinishesTogetherIsSettledTogether(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	gate := make(chan struct{})
	batches := 0
	server.Play(script(settled, func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
			return err
		}
		if err := talk.Credits(100); err != nil {
			return err
		}
		deliveries := make([]*rockqueuepb.Delivery, 100)
		for number := range deliveries {
			deliveries[number] = scripted.Delivery(number, "work", "1")
		}
		if err := talk.Deliver(deliveries...); err != nil {
			return err
		}
		close(gate)
		for count := 0; count < 100; batches++ {
			batch, err := talk.Batch()
			if err != nil {
				return err
			}
			count += len(batch.GetSettlements())
			talk.Settle(batch)
		}
		return nil
	}))
	workers := startWorkers(t, server, rockqueue.WorkersConfig{Concurrency: 100, Prefetch: new(0)},
		func(context.Context, *rockqueue.Delivery) error {
			<-gate
			return nil
		})
	played(t, server, workers, settled)
	if batches > 50 {
		t.Fatalf("expected 100 settlements to share messages, got %d messages", batches)
	}
}

func TestABrokenStreamIsResumedAndWhatWasNotAnsweredIsSentAgain(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	release := make(chan struct{})
	var resumed *rockqueuepb.OpenSession
	server.Play(func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{SessionId: "s-7"}); err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "work", "1"), scripted.Delivery(2, "work", "2")); err != nil {
			return err
		}
		if _, err := talk.Batch(); err != nil {
			return err
		}
		return scripted.Break()
	}, script(settled, func(talk *scripted.Talk) (err error) {
		if resumed, err = talk.Opened(&rockqueuepb.SessionOpened{SessionId: "s-7", Resumed: true}); err != nil {
			return err
		}
		batch, err := talk.Batch()
		if err != nil {
			return err
		}
		// The window without the one delivery that is still running.
		if err := errors.Join(
			check(string(batch.GetSettlements()[0].GetLeaseToken()), "t1", "token"), check(batch.GetCredits(), 3, "credits"),
		); err != nil {
			return err
		}
		talk.Settle(batch)
		close(release)
		found, err := talk.Settlements(1)
		if err != nil {
			return err
		}
		return check(string(found[0].GetLeaseToken()), "t2", "token")
	}))
	workers := startWorkers(t, server, rockqueue.WorkersConfig{Concurrency: 2},
		func(_ context.Context, delivery *rockqueue.Delivery) error {
			if string(delivery.Payload) == "2" {
				<-release
			}
			return nil
		})
	played(t, server, workers, settled)
	held := resumed.GetHeldLeases()
	slices.SortFunc(held, slices.Compare)
	equal(t, fmt.Sprintf("%s %s", resumed.GetSessionId(), held), "s-7 [t1 t2]", "session and leases")
}

// causes collects why contexts of handlers end.
func waitForCause(causes chan<- error) rockqueue.HandlerFunc {
	return func(ctx context.Context, _ *rockqueue.Delivery) error {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}
}

func TestALeaseLostOnResumeStopsItsHandlerAndDropsItsOutcome(t *testing.T) {
	for name, answer := range map[string]*rockqueuepb.SessionOpened{
		"lost lease":      {SessionId: "s", Resumed: true, LostLeases: [][]byte{[]byte("t1")}},
		"unknown session": {SessionId: "new", LostLeases: [][]byte{[]byte("t1")}},
	} {
		t.Run(name, func(t *testing.T) {
			server := scripted.New(t)
			settled := make(chan error, 1)
			began, causes := make(chan struct{}), make(chan error, 1)
			server.Play(func(talk *scripted.Talk) error {
				if _, err := talk.Opened(&rockqueuepb.SessionOpened{SessionId: "s"}); err != nil {
					return err
				}
				if err := talk.Deliver(scripted.Delivery(1, "work", "1")); err != nil {
					return err
				}
				<-began
				return scripted.Break()
			}, script(settled, func(talk *scripted.Talk) error {
				_, err := talk.Opened(answer)
				return err
			}))
			workers := startWorkers(t, server, rockqueue.WorkersConfig{Concurrency: 1},
				func(ctx context.Context, delivery *rockqueue.Delivery) error {
					close(began)
					return waitForCause(causes)(ctx, delivery)
				})
			if cause := receive(t, causes); !errors.Is(cause, rockqueue.ErrLeaseLost) {
				t.Fatalf("expected ErrLeaseLost, got %v", cause)
			}
			played(t, server, workers, settled)
		})
	}
}

func TestASessionThatWasTakenOverIsNotResumed(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	server.Play(func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{SessionId: "taken"}); err != nil {
			return err
		}
		return scripted.Refusal(codes.Aborted, "SESSION_TAKEN", map[string]string{"session_id": "taken"})
	}, script(settled, func(talk *scripted.Talk) error {
		open, err := talk.Opened(&rockqueuepb.SessionOpened{SessionId: "fresh"})
		if err != nil {
			return err
		}
		return check(open.GetSessionId(), "", "session")
	}))
	played(t, server, startWorkers(t, server, rockqueue.WorkersConfig{}, echo), settled)
}

func TestASilentServerIsLeftAfterTwoHeartbeats(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	server.Play(func(talk *scripted.Talk) error {
		talk.Mute.Store(true)
		_, err := talk.Opened(&rockqueuepb.SessionOpened{HeartbeatInterval: durationpb.New(100 * time.Millisecond)})
		for request := (*rockqueuepb.WorkRequest)(nil); err == nil; {
			if request, err = talk.Next(); request == nil {
				break
			}
		}
		return err
	}, script(settled, func(talk *scripted.Talk) error {
		open, err := talk.Opened(&rockqueuepb.SessionOpened{Resumed: true})
		if err != nil {
			return err
		}
		return check(open.GetSessionId(), "s-1", "session")
	}))
	played(t, server, startWorkers(t, server, rockqueue.WorkersConfig{}, echo), settled)
}

func TestHeartbeatsGoOnWhileAHandlerBlocks(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	release := make(chan struct{})
	server.Play(script(settled, func(talk *scripted.Talk) error {
		_, err := talk.Opened(&rockqueuepb.SessionOpened{HeartbeatInterval: durationpb.New(300 * time.Millisecond)})
		if err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "work", "1")); err != nil {
			return err
		}
		for limit := time.Now().Add(testTime); talk.Heartbeats.Load() < 3; time.Sleep(time.Millisecond) {
			if time.Now().After(limit) {
				return errors.New("too few heartbeats")
			}
		}
		close(release)
		_, err = talk.Settlements(1)
		return err
	}))
	workers := startWorkers(t, server, rockqueue.WorkersConfig{}, func(context.Context, *rockqueue.Delivery) error {
		<-release
		return nil
	})
	played(t, server, workers, settled)
	equal(t, server.Streams(), 1, "streams")
}

func TestAnErrorThatNoReconnectMendsFailsTheWorkers(t *testing.T) {
	server := scripted.New(t)
	server.Play(func(talk *scripted.Talk) error {
		if _, err := talk.Next(); err != nil {
			return err
		}
		return scripted.Refusal(codes.InvalidArgument, "INVALID_FIELD", map[string]string{"field": "open.queues[0]"})
	})
	workers := rockqueue.NewWorkers(clientOf(t, server, rockqueue.Config{}), rockqueue.WorkersConfig{Queues: []string{"not a queue"}})
	workers.HandleFunc("work", echo)
	err := workers.Run(within(t))
	if !errors.Is(err, rockqueue.ErrInvalidRequest) {
		t.Fatalf("expected ErrInvalidRequest, got %v", err)
	}
	equal(t, workers.State(), rockqueue.WorkerFailed, "state")
	if !errors.Is(workers.Stop(within(t)), rockqueue.ErrInvalidRequest) {
		t.Fatal("expected Stop to tell why the workers failed")
	}
}

func TestReconnectsWaitLongerAndLonger(t *testing.T) {
	server := scripted.New(t)
	begun := time.Now()
	startWorkers(t, server, rockqueue.WorkersConfig{ResumeGrace: new(time.Duration(0))}, echo)
	server.Until("three streams were opened", func() bool { return server.Streams() >= 3 })
	// At once, after 100 ms, after 200 ms; each times at least 0.5.
	if took := time.Since(begun); took < 50*time.Millisecond {
		t.Fatalf("expected pauses, three attempts took %s", took)
	}
}

func TestCancelRequestsEndTheContextWithACause(t *testing.T) {
	for name, one := range map[string]struct {
		cause   rockqueuepb.CancelCause
		wanted  error
		settles bool
	}{
		"cancelled":  {rockqueuepb.CancelCause_CANCEL_CAUSE_REQUESTED, rockqueue.ErrJobCancelled, true},
		"timed out":  {rockqueuepb.CancelCause_CANCEL_CAUSE_TIMEOUT, rockqueue.ErrJobTimeout, false},
		"lease lost": {rockqueuepb.CancelCause_CANCEL_CAUSE_LEASE_LOST, rockqueue.ErrLeaseLost, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := scripted.New(t)
			settled := make(chan error, 1)
			causes := make(chan error, 1)
			server.Play(script(settled, func(talk *scripted.Talk) error {
				if _, err := talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
					return err
				}
				if err := talk.Deliver(scripted.Delivery(1, "work", "1")); err != nil {
					return err
				}
				talk.Send(&rockqueuepb.WorkResponse{Message: &rockqueuepb.WorkResponse_Cancels{
					Cancels: &rockqueuepb.CancelRequests{Cancels: []*rockqueuepb.CancelRequest{
						{LeaseToken: []byte("t1"), JobId: "job-1", Cause: one.cause},
					}},
				}})
				if !one.settles {
					return nil
				}
				found, err := talk.Settlements(1)
				if err != nil {
					return err
				}
				return check(found[0].GetCancelled() != nil, true, "settled as cancelled")
			}))
			workers := startWorkers(t, server, rockqueue.WorkersConfig{}, waitForCause(causes))
			if cause := receive(t, causes); !errors.Is(cause, one.wanted) {
				t.Fatalf("expected %v, got %v", one.wanted, cause)
			}
			played(t, server, workers, settled)
		})
	}
}

func TestASettlementThatTheServerRefusesIsSettledOtherwise(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	gate := make(chan struct{})
	server.Play(script(settled, func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "work", "1"), scripted.Delivery(2, "work", "2")); err != nil {
			return err
		}
		close(gate)
		for count := 0; count < 2; {
			batch, err := talk.Batch()
			if err != nil {
				return err
			}
			var refused []scripted.Refused
			for index, one := range batch.GetSettlements() {
				reason := map[string]string{"t1": "LEASE_LOST", "t2": "INVALID_FIELD"}[string(one.GetLeaseToken())]
				refused = append(refused, scripted.Refused{Index: int32(index), Reason: reason})
			}
			count += len(batch.GetSettlements())
			talk.Settle(batch, refused...)
			if count > 2 {
				break
			}
		}
		found, err := talk.Settlements(1)
		if err != nil {
			return err
		}
		return errors.Join(
			check(string(found[0].GetLeaseToken()), "t2", "token"),
			check(found[0].GetFail().GetNever(), true, "never again"),
			check(found[0].GetFail().GetError().GetType(), "INVALID_FIELD", "type"),
		)
	}))
	workers := startWorkers(t, server, rockqueue.WorkersConfig{}, func(context.Context, *rockqueue.Delivery) error {
		<-gate
		return nil
	})
	played(t, server, workers, settled)
}

func TestReportsComeBeforeTheSettlementAndArePutTogether(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	server.Play(script(settled, func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "work", "1")); err != nil {
			return err
		}
		var lines []string
		var last *rockqueuepb.JobReport
		for {
			request, err := talk.Next()
			if err != nil {
				return err
			}
			if request.GetCredits() != nil {
				continue
			}
			if batch := request.GetSettlements(); batch != nil {
				talk.Settle(batch)
				break
			}
			for _, report := range request.GetReports().GetReports() {
				lines = append(lines, report.GetLogLines()...)
				last = report
			}
		}
		return errors.Join(
			check(last.GetPercent(), 100, "percent"), check(last.GetMessage(), "at 100", "message"),
			check(len(lines), 101, "lines"), check(lines[100], "line 100", "last line"),
		)
	}))
	workers := startWorkers(t, server, rockqueue.WorkersConfig{},
		func(_ context.Context, delivery *rockqueue.Delivery) error {
			for percent := range 101 {
				delivery.Progress(float64(percent), "at "+strconv.Itoa(percent))
				delivery.Logf("line %d", percent)
			}
			return nil
		})
	played(t, server, workers, settled)
}

func TestAJobOfAnUnknownKindIsPutOff(t *testing.T) {
	server := scripted.New(t)
	settled := make(chan error, 1)
	server.Play(script(settled, func(talk *scripted.Talk) error {
		if _, err := talk.Opened(&rockqueuepb.SessionOpened{}); err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "unheard-of", "1")); err != nil {
			return err
		}
		found, err := talk.Settlements(1)
		if err != nil {
			return err
		}
		return check(found[0].GetSnooze().GetDelay().AsDuration(), 5*time.Second, "delay")
	}))
	played(t, server, startWorkers(t, server, rockqueue.WorkersConfig{}, echo), settled)
}
