package rockqueue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// pushing pushes one job as a batch of its own, in the background.
func pushing(ctx context.Context, client *rockqueue.Client, number int) <-chan error {
	ended := make(chan error, 1)
	go func() {
		pushed, err := client.PushMany(ctx, []rockqueue.NewJob{{Args: named("n", number)}}, nil)
		if wanted := fmt.Sprintf("id-%d", number); err == nil && pushed[0].ID != wanted {
			err = fmt.Errorf("expected %s, got %s", wanted, pushed[0].ID)
		}
		ended <- err
	}()
	return ended
}

// pushingInTurn pushes two batches, the second when the first has arrived.
func pushingInTurn(ctx context.Context, server *scripted.Server, client *rockqueue.Client) (first, second <-chan error) {
	first = pushing(ctx, client, 1)
	server.Until("the first batch has arrived", func() bool { return len(server.Pushes()) == 1 })
	return first, pushing(ctx, client, 2)
}

func TestAllPushesOfAClientTravelOnOneStream(t *testing.T) {
	server := scripted.New(t)
	sequences := make(chan int64, 10)
	server.PlayPushes(func(talk *scripted.PushTalk) error {
		if talk.HasDeadline() {
			t.Error("expected a stream without a deadline")
		}
		for range 10 {
			batch, err := talk.Next()
			if err != nil {
				return err
			}
			sequences <- batch.GetSequence()
			talk.Store(batch)
		}
		return talk.Gone()
	})
	client := clientOf(t, server, rockqueue.Config{})
	for number := range 5 {
		_, err := client.Push(within(t), named("n", number), nil)
		noError(t, err)
		noError(t, receive(t, pushing(within(t), client, number)))
	}
	equal(t, server.PushStreams(), 1, "streams")
	seen := make(map[int64]bool)
	for range 10 {
		seen[receive(t, sequences)] = true
	}
	equal(t, len(seen), 10, "sequences")
	for sequence := range seen {
		if sequence <= 0 {
			t.Fatalf("expected positive sequences, got %d", sequence)
		}
	}
}

func TestOutcomesComeInAnyOrder(t *testing.T) {
	server := scripted.New(t)
	heard := make(chan struct{})
	server.PlayPushes(func(talk *scripted.PushTalk) error {
		batches, err := talk.Several(2)
		if err != nil {
			return err
		}
		talk.Store(batches[1])
		if err := talk.Until(heard); err != nil {
			return err
		}
		talk.Store(batches[0])
		return talk.Gone()
	})
	client := clientOf(t, server, rockqueue.Config{})
	first, second := pushingInTurn(within(t), server, client)
	noError(t, receive(t, second))
	close(heard)
	noError(t, receive(t, first))
}

func TestARefusedBatchSparesTheOthersOfItsStream(t *testing.T) {
	server := scripted.New(t)
	server.PlayPushes(func(talk *scripted.PushTalk) error {
		batches, err := talk.Several(2)
		if err != nil {
			return err
		}
		field := map[string]string{"field": "jobs[0].name"}
		violation := &errdetails.BadRequest_FieldViolation{Field: "jobs[0].name", Description: "empty"}
		bad := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}}
		talk.Refuse(batches[0], scripted.Refusal(codes.InvalidArgument, "INVALID_FIELD", field, bad, scripted.RetryIn(time.Minute)))
		talk.Store(batches[1])
		return talk.Gone()
	})
	client := clientOf(t, server, rockqueue.Config{})
	first, second := pushingInTurn(within(t), server, client)
	noError(t, receive(t, second))
	err := receive(t, first)
	var known *rockqueue.Error
	if !errors.Is(err, rockqueue.ErrInvalidRequest) || !errors.As(err, &known) {
		t.Fatalf("expected ErrInvalidRequest, got %v", err)
	}
	equal(t, known.Reason, "INVALID_FIELD", "reason")
	equal(t, known.Metadata["field"], "jobs[0].name", "field")
	equal(t, len(known.Violations), 1, "violations")
	equal(t, known.Violations[0], rockqueue.Violation{Field: "jobs[0].name", Description: "empty"}, "violation")
	equal(t, known.RetryAfter, time.Minute, "retry delay")
	equal(t, known.FromServer, true, "from the server")
	equal(t, known.OutcomeUnknown, false, "unknown outcome")
	equal(t, known.RequestID, server.Pushes()[0].GetRequestId(), "request id")
	equal(t, status.Code(err), codes.InvalidArgument, "gRPC code")
	if found, ok := status.FromError(err); !ok || len(found.Details()) != 3 {
		t.Fatalf("expected the status that a call would have, got %v", found)
	}
}

func TestABatchWithoutAnOutcomeIsRepeatedOnANewStream(t *testing.T) {
	for name, end := range map[string]error{
		"shut down": scripted.Refusal(codes.Unavailable, "SHUTTING_DOWN", nil, scripted.RetryIn(time.Millisecond)),
		"broken":    scripted.Break(),
		"no status": nil,
	} {
		t.Run(name, func(t *testing.T) {
			server := scripted.New(t)
			server.Answer("PushJobs", scripted.Pushed)
			server.PlayPushes(func(talk *scripted.PushTalk) error {
				batches, err := talk.Several(2)
				if err != nil {
					return err
				}
				talk.Store(batches[0])
				return end
			})
			client := clientOf(t, server, rockqueue.Config{})
			first, second := pushingInTurn(within(t), server, client)
			noError(t, receive(t, first))
			noError(t, receive(t, second))
			equal(t, server.PushStreams(), 2, "streams")
			requests := server.Pushes()
			equal(t, len(requests), 3, "batches")
			equal(t, requests[2].GetRequestId(), requests[1].GetRequestId(), "request id")
		})
	}
}

func TestAFinalStatusOfAStreamLeavesItsBatchesUnknown(t *testing.T) {
	server := scripted.New(t)
	server.PlayPushes(func(talk *scripted.PushTalk) error {
		if _, err := talk.Next(); err != nil {
			return err
		}
		return scripted.Refusal(codes.InvalidArgument, "INVALID_FIELD", nil)
	})
	client := clientOf(t, server, rockqueue.Config{})
	err := receive(t, pushing(within(t), client, 1))
	var known *rockqueue.Error
	if !errors.Is(err, rockqueue.ErrInvalidRequest) || !errors.As(err, &known) || !known.OutcomeUnknown {
		t.Fatalf("expected the status of the stream and an unknown outcome, got %v", err)
	}
}

func TestASilentStreamIsGivenUp(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	server.PlayPushes(func(talk *scripted.PushTalk) error {
		if _, err := talk.Several(2); err != nil {
			return err
		}
		return talk.Gone()
	})
	retry := quick
	retry.AttemptTimeout = 500 * time.Millisecond
	client := clientOf(t, server, rockqueue.Config{Retry: retry})
	first, second := pushingInTurn(within(t), server, client)
	noError(t, receive(t, first))
	noError(t, receive(t, second))
	server.WaitPlayed()
	equal(t, server.PushStreams(), 2, "streams")
	attempts := make(map[string]int)
	for _, request := range server.Pushes() {
		attempts[request.GetRequestId()]++
	}
	equal(t, len(attempts), 2, "request ids")
	for id, count := range attempts {
		equal(t, count, 2, "attempts of "+id)
	}
}

func TestAStreamThatAnswersOutlivesABatchThatTakesTooLong(t *testing.T) {
	server := scripted.New(t)
	server.PlayPushes(func(talk *scripted.PushTalk) error {
		batches, err := talk.Several(2)
		if err != nil {
			return err
		}
		talk.Store(batches[1])
		again, err := talk.Next()
		if err != nil {
			return err
		}
		talk.Store(again)
		return talk.Gone()
	})
	retry := quick
	retry.AttemptTimeout = 500 * time.Millisecond
	client := clientOf(t, server, rockqueue.Config{Retry: retry})
	first, second := pushingInTurn(within(t), server, client)
	noError(t, receive(t, second))
	noError(t, receive(t, first))
	equal(t, server.PushStreams(), 1, "streams")
	requests := server.Pushes()
	equal(t, requests[2].GetRequestId(), requests[0].GetRequestId(), "request id")
}

func TestACallerThatLeavesTakesNoStreamAlong(t *testing.T) {
	for name, leave := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"cancelled": context.WithCancel,
		"in a hurry": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 300*time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := scripted.New(t)
			server.PlayPushes(func(talk *scripted.PushTalk) error {
				batches, err := talk.Several(2)
				if err != nil {
					return err
				}
				// Nobody waits for the first any longer; nor for what was never sent.
				talk.Store(batches[0])
				talk.Say(&rockqueuepb.PushOutcome{Sequence: 77}, &rockqueuepb.PushOutcome{})
				talk.Store(batches[1])
				return talk.Gone()
			})
			client := clientOf(t, server, rockqueue.Config{})
			_, err := client.ServerInfo(within(t)) // The connection is made in the time of nobody.
			noError(t, err)
			ctx, cancel := leave(within(t))
			defer cancel()
			first := pushing(ctx, client, 1)
			server.Until("the batch has arrived", func() bool { return len(server.Pushes()) == 1 })
			if name == "cancelled" {
				cancel()
			}
			var known *rockqueue.Error
			if err := receive(t, first); !errors.As(err, &known) || !errors.Is(err, ctx.Err()) || !known.OutcomeUnknown {
				t.Fatalf("expected %v and an unknown outcome, got %v", ctx.Err(), err)
			}
			noError(t, receive(t, pushing(within(t), client, 2)))
			equal(t, server.PushStreams(), 1, "streams")
		})
	}
}

func TestCallersInAHurryDoNotKeepASilentStream(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	server.PlayPushes(func(talk *scripted.PushTalk) error { return talk.Gone() })
	retry := quick
	retry.AttemptTimeout = 600 * time.Millisecond
	client := clientOf(t, server, rockqueue.Config{Retry: retry})
	var err error
	for number := range 100 {
		ctx, cancel := context.WithTimeout(within(t), 200*time.Millisecond)
		err = receive(t, pushing(ctx, client, number))
		cancel()
		if err == nil {
			break
		}
	}
	noError(t, err)
	server.WaitPlayed()
	equal(t, server.PushStreams(), 2, "streams")
}

func TestTextThatCannotBeSentEndsNoStream(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	client := clientOf(t, server, rockqueue.Config{})
	noError(t, receive(t, pushing(within(t), client, 1)))
	_, err := client.PushMany(within(t), []rockqueue.NewJob{{Args: named("\xff", 2)}}, nil)
	if status.Code(err) != codes.Internal {
		t.Fatalf("expected a name that is no UTF-8 not to be sent, got %v", err)
	}
	noError(t, receive(t, pushing(within(t), client, 3)))
	equal(t, server.PushStreams(), 1, "streams")
}

func TestAStreamThatEndsIdleIsOpenedAgainByTheNextPush(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	server.PlayPushes(func(talk *scripted.PushTalk) error {
		batch, err := talk.Next()
		if err != nil {
			return err
		}
		talk.Store(batch)
		return scripted.Refusal(codes.Unavailable, "SHUTTING_DOWN", nil)
	})
	client := clientOf(t, server, rockqueue.Config{})
	noError(t, receive(t, pushing(within(t), client, 1)))
	server.WaitPlayed()
	equal(t, server.PushStreams(), 1, "streams before the next push")
	noError(t, receive(t, pushing(within(t), client, 2)))
	equal(t, server.PushStreams(), 2, "streams")
	equal(t, len(server.Pushes()), 2, "batches")
}

func TestClosingEndsTheStreamAndItsPushes(t *testing.T) {
	server := scripted.New(t)
	server.PlayPushes(func(talk *scripted.PushTalk) error {
		if _, err := talk.Next(); err != nil {
			return err
		}
		return talk.Gone()
	})
	client := clientOf(t, server, rockqueue.Config{})
	ended := pushing(within(t), client, 1)
	server.Until("the batch has arrived", func() bool { return len(server.Pushes()) == 1 })
	noError(t, client.Close())
	var known *rockqueue.Error
	if err := receive(t, ended); !errors.Is(err, rockqueue.ErrClientClosed) || !errors.As(err, &known) || !known.OutcomeUnknown {
		t.Fatalf("expected ErrClientClosed and an unknown outcome, got %v", err)
	}
	server.WaitPlayed()
	equal(t, len(server.Pushes()), 1, "batches")
}
