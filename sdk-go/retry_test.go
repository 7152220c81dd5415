package rockqueue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

var (
	down = scripted.Refuse(codes.Unavailable, "SHUTTING_DOWN", nil, scripted.RetryIn(time.Millisecond))
	full = scripted.Refuse(codes.ResourceExhausted, "OVERLOADED", nil, scripted.RetryIn(time.Millisecond))
)

func TestAnUnavailableServerIsTriedAgainUnderTheSameRequestID(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", down, down, scripted.Pushed)
	client := clientOf(t, server, rockqueue.Config{})
	pushed, err := client.Push(within(t), named("n", 7), nil)
	noError(t, err)
	equal(t, pushed.ID, "id-7", "id")
	requests := server.Pushes()
	equal(t, len(requests), 3, "attempts")
	for _, request := range requests {
		equal(t, request.GetRequestId(), requests[0].GetRequestId(), "request id")
	}
	if requests[0].GetRequestId() == "" {
		t.Fatal("a push without request id")
	}
}

func TestEachLogicalCallHasARequestIDOfItsOwn(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	client := clientOf(t, server, rockqueue.Config{})
	for number := range 2 {
		_, err := client.Push(within(t), named("n", number), nil)
		noError(t, err)
	}
	requests := server.Pushes()
	if requests[0].GetRequestId() == requests[1].GetRequestId() {
		t.Fatal("two pushes share a request id")
	}
}

func TestALostReplyIsAskedForAgain(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Silent, scripted.Pushed)
	retry := quick
	retry.AttemptTimeout = 100 * time.Millisecond
	client := clientOf(t, server, rockqueue.Config{Retry: retry})
	pushed, err := client.Push(within(t), named("n", 1), nil)
	noError(t, err)
	equal(t, pushed.ID, "id-1", "id")
	requests := server.Pushes()
	equal(t, len(requests), 2, "attempts")
	if !proto.Equal(requests[0], requests[1]) {
		t.Fatalf("expected the same request again, got %v after %v", requests[1], requests[0])
	}
}

func TestAFinalAnswerIsNotAskedForAgain(t *testing.T) {
	for name, one := range map[string]struct {
		code     codes.Code
		reason   string
		metadata map[string]string
		wanted   error
	}{
		"invalid":       {codes.InvalidArgument, "INVALID_FIELD", map[string]string{"field": "job_id"}, rockqueue.ErrInvalidRequest},
		"not found":     {codes.NotFound, "JOB_NOT_FOUND", map[string]string{"job_id": "x"}, rockqueue.ErrJobNotFound},
		"no RetryInfo":  {codes.ResourceExhausted, "OVERLOADED", nil, rockqueue.ErrOverloaded},
		"internal":      {codes.Internal, "INTERNAL", map[string]string{"incident": "7f"}, rockqueue.ErrServer},
		"unimplemented": {codes.Unimplemented, "", nil, rockqueue.ErrServer},
		"from tomorrow": {codes.NotFound, "MOON_NOT_FOUND", nil, rockqueue.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			server := scripted.New(t)
			server.Answer("GetJob", scripted.Refuse(one.code, one.reason, one.metadata))
			client := clientOf(t, server, rockqueue.Config{})
			_, err := client.Get(within(t), "x")
			if !errors.Is(err, one.wanted) {
				t.Fatalf("expected %v, got %v", one.wanted, err)
			}
			equal(t, len(server.Calls("GetJob")), 1, "attempts")
			var known *rockqueue.Error
			if !errors.As(err, &known) {
				t.Fatalf("expected an *Error, got %T", err)
			}
			equal(t, known.Reason, one.reason, "reason")
			equal(t, known.FromServer, one.reason != "", "from the server")
			for key, value := range one.metadata {
				equal(t, known.Metadata[key], value, key)
			}
			equal(t, status.Code(err), one.code, "gRPC code")
			if found, ok := status.FromError(err); !ok || (one.reason != "" && len(found.Details()) == 0) {
				t.Fatalf("expected a status with details, got %v (%t)", found, ok)
			}
		})
	}
}

func TestARefusalForLackOfRoomIsRepeatedWithRetryInfo(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", full, scripted.Pushed)
	client := clientOf(t, server, rockqueue.Config{})
	_, err := client.Push(within(t), named("n", 1), nil)
	noError(t, err)
	equal(t, len(server.Pushes()), 2, "attempts")
}

func TestADelayThatTheServerAsksForIsHonouredAndCapped(t *testing.T) {
	server := scripted.New(t)
	asks := func(delay time.Duration) scripted.Answer {
		return scripted.Refuse(codes.Unavailable, "SHUTTING_DOWN", nil, scripted.RetryIn(delay))
	}
	server.Answer("GetJob", asks(100*time.Millisecond), asks(time.Hour), scripted.Reply(&rockqueuepb.GetJobResponse{}))
	retry := quick
	retry.MaxServerDelay = 120 * time.Millisecond
	client := clientOf(t, server, rockqueue.Config{Retry: retry})
	begun := time.Now()
	_, err := client.Get(within(t), "x")
	noError(t, err)
	if took := time.Since(begun); took < 220*time.Millisecond {
		t.Fatalf("expected pauses of 100 and 120 ms, got %s together", took)
	}
}

func TestRetriesCanBeSwitchedOffAndBounded(t *testing.T) {
	for _, attempts := range []int{1, 4} {
		server := scripted.New(t)
		server.Answer("GetJob", down)
		retry := quick
		retry.MaxAttempts = attempts
		client := clientOf(t, server, rockqueue.Config{Retry: retry})
		_, err := client.Get(within(t), "x")
		if !errors.Is(err, rockqueue.ErrUnavailable) {
			t.Fatalf("expected ErrUnavailable, got %v", err)
		}
		equal(t, len(server.Calls("GetJob")), attempts, "attempts")
	}
}

func TestACallThatTheContractDoesNotAllowToRepeatIsMadeOnce(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PullJobs", down)
	client := clientOf(t, server, rockqueue.Config{})
	work := rockqueuepb.NewWorkServiceClient(client.Raw())
	_, err := work.PullJobs(within(t), &rockqueuepb.PullJobsRequest{Queues: []string{"q"}, Worker: "w"})
	if !errors.Is(err, rockqueue.ErrUnavailable) {
		t.Fatalf("expected ErrUnavailable, got %v", err)
	}
	equal(t, len(server.Calls("PullJobs")), 1, "attempts")
}

func TestARawCallIsGivenARequestID(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", down, scripted.Pushed)
	client := clientOf(t, server, rockqueue.Config{})
	request := &rockqueuepb.PushJobsRequest{Jobs: []*rockqueuepb.JobSpec{{Queue: "q", Name: "n"}}}
	_, err := rockqueuepb.NewJobServiceClient(client.Raw()).PushJobs(within(t), request)
	noError(t, err)
	requests := server.Pushes()
	equal(t, len(requests), 2, "attempts")
	equal(t, requests[0].GetRequestId(), requests[1].GetRequestId(), "request id")
	equal(t, request.GetRequestId(), "", "the caller's request")
	equal(t, server.PushStreams(), 0, "streams of pushes")
}

func TestEveryAttemptHasADeadlineWithinThatOfTheCall(t *testing.T) {
	server := scripted.New(t)
	server.Answer("GetJob", down, scripted.Reply(&rockqueuepb.GetJobResponse{}))
	retry := quick
	retry.AttemptTimeout = 20 * time.Second
	client := clientOf(t, server, rockqueue.Config{Timeout: 50 * time.Second, Retry: retry})
	_, err := client.Get(t.Context(), "x")
	noError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = client.Get(ctx, "x")
	noError(t, err)
	var deadlines []time.Duration
	for _, call := range server.Calls("GetJob") {
		deadlines = append(deadlines, call.Deadline.Round(5*time.Second))
	}
	wanted := []time.Duration{20 * time.Second, 20 * time.Second, 10 * time.Second}
	for index := range wanted {
		equal(t, deadlines[index], wanted[index], "deadline")
	}
}

func TestAnUnknownOutcomeSaysSo(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", down)
	server.Answer("GetJob", down)
	retry := quick
	retry.MaxAttempts = 2
	client := clientOf(t, server, rockqueue.Config{Retry: retry})
	_, err := client.PushMany(within(t), []rockqueue.NewJob{{Args: named("n", nil)}}, nil)
	var known *rockqueue.Error
	if !errors.As(err, &known) || !known.OutcomeUnknown {
		t.Fatalf("expected an unknown outcome, got %v", err)
	}
	equal(t, known.RequestID, server.Pushes()[0].GetRequestId(), "request id")
	_, err = client.Get(within(t), "x")
	if !errors.As(err, &known) || known.OutcomeUnknown {
		t.Fatalf("expected a read not to have an outcome, got %v", err)
	}
}

func TestADefiniteRefusalIsNoUnknownOutcome(t *testing.T) {
	server := scripted.New(t)
	refusal := scripted.Refuse(codes.InvalidArgument, "INVALID_FIELD", map[string]string{"field": "jobs[0].name"})
	server.Answer("PushJobs", down, refusal)
	client := clientOf(t, server, rockqueue.Config{})
	_, err := client.PushMany(within(t), []rockqueue.NewJob{{Args: named("n", nil)}}, nil)
	var known *rockqueue.Error
	if !errors.As(err, &known) || known.OutcomeUnknown {
		t.Fatalf("expected a definite refusal, got %v", err)
	}
}

func TestAServerThatDoesNotAnswerIsADeadline(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Silent)
	client := clientOf(t, server, rockqueue.Config{Timeout: 200 * time.Millisecond})
	_, err := client.Push(within(t), named("n", 1), nil)
	var known *rockqueue.Error
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &known) {
		t.Fatalf("expected a deadline, got %v", err)
	}
	equal(t, known.OutcomeUnknown, true, "unknown outcome")
	equal(t, known.FromServer, false, "from the server")
}

func TestNobodyListens(t *testing.T) {
	client, err := rockqueue.NewClient(rockqueue.Config{URL: "rockqueue://127.0.0.1:1", Timeout: 300 * time.Millisecond})
	noError(t, err)
	defer client.Close()
	_, err = client.Get(within(t), "x")
	if !errors.Is(err, rockqueue.ErrUnavailable) {
		t.Fatalf("expected ErrUnavailable, got %v", err)
	}
}

func TestACancelledCallIsCancelledOnTheWire(t *testing.T) {
	server := scripted.New(t)
	gone := make(chan struct{})
	server.Answer("GetJob", func(ctx context.Context, request proto.Message) (proto.Message, error) {
		answer, err := scripted.Silent(ctx, request)
		close(gone)
		return answer, err
	})
	client := clientOf(t, server, rockqueue.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		server.Until("the call has arrived", func() bool { return len(server.Calls("GetJob")) == 1 })
		cancel()
	}()
	_, err := client.Get(ctx, "x")
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("expected context.Canceled, got %v", err)
	}
	receive(t, gone) // The server was told.
}

func TestAClosedClientSaysSo(t *testing.T) {
	server := scripted.New(t)
	server.Answer("GetJob", scripted.Silent)
	client := clientOf(t, server, rockqueue.Config{})
	go func() {
		server.Until("the call has arrived", func() bool { return len(server.Calls("GetJob")) == 1 })
		_ = client.Close()
	}()
	_, err := client.Get(within(t), "x")
	if !errors.Is(err, rockqueue.ErrClientClosed) {
		t.Fatalf("expected ErrClientClosed of the call under way, got %v", err)
	}
	_, err = client.Push(within(t), named("n", 1), nil)
	if !errors.Is(err, rockqueue.ErrClientClosed) {
		t.Fatalf("expected ErrClientClosed of a later push, got %v", err)
	}
	noError(t, client.Close())
}
