package rockqueue_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// judged answers pushes by a function over their jobs; nil stores them.
func judged(judge func(jobs []*rockqueuepb.JobSpec) error) scripted.Answer {
	return func(ctx context.Context, request proto.Message) (proto.Message, error) {
		push, ok := request.(*rockqueuepb.PushJobsRequest)
		if !ok {
			return nil, fmt.Errorf("%T is no push", request)
		}
		if err := judge(push.GetJobs()); err != nil {
			return nil, err
		}
		return scripted.Pushed(ctx, request)
	}
}

// pushAll pushes concurrently, and returns what became of each.
func pushAll(t *testing.T, client *rockqueue.Client, jobs []rockqueue.NewJob) ([]rockqueue.PushedJob, []error) {
	t.Helper()
	ctx := within(t)
	pushed, failures := make([]rockqueue.PushedJob, len(jobs)), make([]error, len(jobs))
	var group sync.WaitGroup
	for index, job := range jobs {
		group.Go(func() { pushed[index], failures[index] = client.Push(ctx, job.Args, job.Options) })
	}
	group.Wait()
	return pushed, failures
}

func numbered(count int) []rockqueue.NewJob {
	jobs := make([]rockqueue.NewJob, count)
	for number := range jobs {
		jobs[number] = rockqueue.NewJob{Args: named("n", number)}
	}
	return jobs
}

func TestConcurrentPushesShareCalls(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	// A linger that none of these pushes outlasts: what decides is how many are under way.
	client := clientOf(t, server, rockqueue.Config{Linger: time.Hour})
	pushed, failures := pushAll(t, client, numbered(2000))
	for number := range pushed {
		noError(t, failures[number])
		equal(t, pushed[number].ID, "id-"+strconv.Itoa(number), "id")
	}
	requests := server.Pushes()
	if len(requests) > 200 {
		t.Fatalf("expected 2000 pushes to share calls, got %d calls", len(requests))
	}
	ids := make(map[string]bool)
	for _, request := range requests {
		ids[request.GetRequestId()] = true
		if len(request.GetJobs()) > 500 {
			t.Fatalf("expected at most 500 jobs in a batch, got %d", len(request.GetJobs()))
		}
	}
	equal(t, len(ids), len(requests), "request ids")
}

func TestOneGoroutinesPushesKeepTheirOrder(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	client := clientOf(t, server, rockqueue.Config{})
	ctx := within(t)
	var group sync.WaitGroup
	for caller := range 20 {
		group.Go(func() {
			for number := range 30 {
				if _, err := client.Push(ctx, named("c"+strconv.Itoa(caller), number), nil); err != nil {
					t.Errorf("push: %v", err)
				}
			}
		})
	}
	group.Wait()
	next := make(map[string]int)
	for _, request := range server.Pushes() {
		for _, spec := range request.GetJobs() {
			equal(t, string(spec.GetPayload()), strconv.Itoa(next[spec.GetName()]), "the next of "+spec.GetName())
			next[spec.GetName()]++
		}
	}
}

func TestTwoBatchesAreUnderWayAndTheRestGathers(t *testing.T) {
	server := scripted.New(t)
	gate := make(chan struct{})
	server.Answer("PushJobs", func(ctx context.Context, request proto.Message) (proto.Message, error) {
		<-gate
		return scripted.Pushed(ctx, request)
	})
	client := clientOf(t, server, rockqueue.Config{})
	ctx := within(t)
	var group sync.WaitGroup
	push := func(number int) {
		group.Go(func() {
			if _, err := client.Push(ctx, named("n", number), nil); err != nil {
				t.Errorf("push: %v", err)
			}
		})
	}
	for number := range 2 {
		push(number)
		server.Until("the batch has arrived", func() bool { return len(server.Pushes()) == number+1 })
	}
	for number := range 50 {
		push(number)
	}
	// A round trip: by then a third batch would have arrived.
	_, err := client.ServerInfo(ctx)
	noError(t, err)
	equal(t, len(server.Pushes()), 2, "batches under way")
	rockqueue.WaitUntil(t, "all others wait", func() bool { return client.WaitingPushes() == 50 })
	close(gate)
	group.Wait()
	if count := len(server.Pushes()); count > 5 {
		t.Fatalf("expected the rest to travel together, got %d calls", count)
	}
}

func TestALonePushWaitsForNobody(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	client := clientOf(t, server, rockqueue.Config{Linger: time.Hour})
	for number := range 3 {
		_, err := client.Push(within(t), named("n", number), nil)
		noError(t, err)
	}
}

func TestLargePushesAreCutByBytes(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	client := clientOf(t, server, rockqueue.Config{})
	text := make([]byte, 200_000)
	jobs := make([]rockqueue.NewJob, 20)
	for index := range jobs {
		jobs[index] = rockqueue.NewJob{Args: named("n", text)}
	}
	_, failures := pushAll(t, client, jobs)
	for _, err := range failures {
		noError(t, err)
	}
	for _, request := range server.Pushes() {
		if size := proto.Size(request); size > 1<<20+1000 {
			t.Fatalf("expected batches up to 1 MiB, got %d bytes", size)
		}
	}
}

func TestOneInvalidJobFailsAlone(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", judged(func(jobs []*rockqueuepb.JobSpec) error {
		for index, spec := range jobs {
			if spec.GetName() == "" {
				path := fmt.Sprintf("jobs[%d].name", index)
				bad := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: path, Description: "empty"}}}
				return scripted.Refusal(codes.InvalidArgument, "INVALID_FIELD", map[string]string{"field": path}, bad)
			}
		}
		return nil
	}))
	client := clientOf(t, server, rockqueue.Config{})
	names := []string{"a", "b", "", "c", ""}
	jobs := make([]rockqueue.NewJob, len(names))
	for index, name := range names {
		jobs[index] = rockqueue.NewJob{Args: named(name, index)}
	}
	_, failures := pushAll(t, client, jobs)
	for index, name := range names {
		if name != "" {
			noError(t, failures[index])
			continue
		}
		var known *rockqueue.Error
		if !errors.As(failures[index], &known) {
			t.Fatalf("expected the push without a name to fail, got %v", failures[index])
		}
		equal(t, known.Metadata["field"], "name", "field")
		equal(t, known.Violations[0], rockqueue.Violation{Field: "name", Description: "empty"}, "violation")
	}
}

func TestAHeldUniqueKeyFailsAlone(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", judged(func(jobs []*rockqueuepb.JobSpec) error {
		for index, spec := range jobs {
			if spec.GetUnique().GetKey() == "taken" {
				metadata := map[string]string{"job_id": "holder", "index": strconv.Itoa(index), "key": "taken"}
				return scripted.Refusal(codes.AlreadyExists, "UNIQUE_CONFLICT", metadata)
			}
		}
		return nil
	}))
	client := clientOf(t, server, rockqueue.Config{})
	jobs := numbered(3)
	jobs[1].Options = &rockqueue.PushOptions{Unique: &rockqueue.Unique{Key: "taken", OnConflict: rockqueue.Reject}}
	_, failures := pushAll(t, client, jobs)
	noError(t, failures[0])
	noError(t, failures[2])
	var known *rockqueue.Error
	if !errors.Is(failures[1], rockqueue.ErrUniqueConflict) || !errors.As(failures[1], &known) {
		t.Fatalf("expected ErrUniqueConflict, got %v", failures[1])
	}
	equal(t, known.Metadata["job_id"], "holder", "holder")
}

func TestAFaultThatIsNotNamedIsFoundByHalving(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", judged(func(jobs []*rockqueuepb.JobSpec) error {
		for _, spec := range jobs {
			if string(spec.GetPayload()) == "13" {
				return scripted.Refusal(codes.InvalidArgument, "INVALID_FIELD", nil)
			}
		}
		return nil
	}))
	client := clientOf(t, server, rockqueue.Config{})
	_, failures := pushAll(t, client, numbered(20))
	for number, err := range failures {
		if (err != nil) != (number == 13) {
			t.Fatalf("push %d: got %v", number, err)
		}
	}
}

func TestAFullQueueHoldsUpNoOther(t *testing.T) {
	server := scripted.New(t)
	var mu sync.Mutex
	free := 3
	server.Answer("PushJobs", judged(func(jobs []*rockqueuepb.JobSpec) error {
		mu.Lock()
		defer mu.Unlock()
		wanted := 0
		for _, spec := range jobs {
			if spec.GetQueue() == "full" {
				wanted++
			}
		}
		if wanted > free {
			metadata := map[string]string{"queue": "full", "limit": "3"}
			return scripted.Refusal(codes.ResourceExhausted, "QUEUE_FULL", metadata, scripted.RetryIn(time.Millisecond))
		}
		free -= wanted
		return nil
	}))
	retry := quick
	retry.MaxAttempts = 3
	client := clientOf(t, server, rockqueue.Config{Retry: retry})
	jobs := make([]rockqueue.NewJob, 20)
	for index := range jobs {
		queue := "other"
		if index%2 == 0 {
			queue = "full"
		}
		jobs[index] = rockqueue.NewJob{Args: named("n", index), Options: in(queue)}
	}
	_, failures := pushAll(t, client, jobs)
	stored := 0
	for index, err := range failures {
		switch {
		case index%2 == 1:
			noError(t, err)
		case err == nil:
			stored++
		case !errors.Is(err, rockqueue.ErrQueueFull) || !errors.Is(err, rockqueue.ErrResourceExhausted):
			t.Fatalf("expected ErrQueueFull, got %v", err)
		}
	}
	equal(t, stored, 3, "jobs that still fit")
}

func TestASlowServerHoldsPushesBack(t *testing.T) {
	server := scripted.New(t)
	gate := make(chan struct{})
	server.Answer("PushJobs", func(ctx context.Context, request proto.Message) (proto.Message, error) {
		<-gate
		return scripted.Pushed(ctx, request)
	})
	client := clientOf(t, server, rockqueue.Config{})
	ctx := within(t)
	text := make([]byte, 1<<20-100)
	var group sync.WaitGroup
	for range 17 {
		group.Go(func() {
			if _, err := client.Push(ctx, named("n", text), nil); err != nil {
				t.Errorf("push: %v", err)
			}
		})
	}
	server.Until("as many batches are under way as may be", func() bool { return len(server.Pushes()) == 8 })
	// 16 MiB are buffered or on their way: a caller in a hurry learns that there is no room, and nothing was sent.
	server.Until("the buffer is full", func() bool {
		hurried, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
		defer cancel()
		_, err := client.Push(hurried, named("n", text), nil)
		var known *rockqueue.Error
		return errors.As(err, &known) && !known.OutcomeUnknown && errors.Is(err, context.DeadlineExceeded)
	})
	close(gate)
	group.Wait()
}

func TestACallerThatLeavesTakesItsPushAlong(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Silent, scripted.Pushed)
	client := clientOf(t, server, rockqueue.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		server.Until("the push has arrived", func() bool { return len(server.Pushes()) == 1 })
		cancel()
	}()
	_, err := client.Push(ctx, named("n", 1), nil)
	var known *rockqueue.Error
	if !errors.Is(err, context.Canceled) || !errors.As(err, &known) || !known.OutcomeUnknown {
		t.Fatalf("expected context.Canceled and an unknown outcome, got %v", err)
	}
	// The batch that nobody waits for holds up no other.
	_, err = client.Push(within(t), named("n", 2), nil)
	noError(t, err)
}

func TestManyJobsAreCutToTheServersLimits(t *testing.T) {
	server := scripted.New(t)
	server.Answer("GetServerInfo", scripted.Reply(&rockqueuepb.GetServerInfoResponse{
		Limits: &rockqueuepb.Limits{BatchEntries: 30, BatchBytes: 1000},
	}))
	server.Answer("PushJobs", scripted.Pushed)
	client := clientOf(t, server, rockqueue.Config{})
	pushed, err := client.PushMany(within(t), numbered(100), nil)
	noError(t, err)
	equal(t, len(pushed), 100, "jobs")
	for number, one := range pushed {
		equal(t, one.ID, "id-"+strconv.Itoa(number), "id")
	}
	for _, request := range server.Pushes() {
		if len(request.GetJobs()) > 30 {
			t.Fatalf("expected at most 30 jobs in a batch, got %d", len(request.GetJobs()))
		}
	}
}

func TestABatchThatFailsReturnsWhatWasStoredBefore(t *testing.T) {
	server := scripted.New(t)
	server.Answer("GetServerInfo", scripted.Reply(&rockqueuepb.GetServerInfoResponse{
		Limits: &rockqueuepb.Limits{BatchEntries: 2},
	}))
	server.Answer("PushJobs", scripted.Pushed, scripted.Refuse(codes.InvalidArgument, "INVALID_FIELD", nil))
	client := clientOf(t, server, rockqueue.Config{})
	pushed, err := client.PushMany(within(t), numbered(4), nil)
	var known *rockqueue.Error
	if !errors.As(err, &known) {
		t.Fatalf("expected the second batch to fail, got %v", err)
	}
	equal(t, len(pushed), 2, "jobs stored before")
	equal(t, known.Metadata["pushed"], "2", "pushed")
}

func TestMiddlewareSeesEveryPush(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	var order []string
	layer := func(name string) rockqueue.PushMiddleware {
		return func(ctx context.Context, jobs []*rockqueuepb.JobSpec, push rockqueue.PushFunc) ([]rockqueue.PushedJob, error) {
			order = append(order, name)
			for _, job := range jobs {
				job.Headers = map[string]string{"by": name}
			}
			return push(ctx, jobs)
		}
	}
	client := clientOf(t, server, rockqueue.Config{
		PushMiddleware: []rockqueue.PushMiddleware{layer("outer"), layer("inner")},
	})
	_, err := client.Push(within(t), named("n", 1), nil)
	noError(t, err)
	_, err = client.PushMany(within(t), numbered(2), nil)
	noError(t, err)
	equal(t, strings.Join(order, " "), "outer inner outer inner", "order")
	for _, request := range server.Pushes() {
		equal(t, request.GetJobs()[0].GetHeaders()["by"], "inner", "header")
	}
}

func TestClosingWaitsForPushesUnderWay(t *testing.T) {
	server := scripted.New(t)
	gate := make(chan struct{})
	server.Answer("PushJobs", func(ctx context.Context, request proto.Message) (proto.Message, error) {
		<-gate
		return scripted.Pushed(ctx, request)
	})
	client := clientOf(t, server, rockqueue.Config{})
	outcome := make(chan error, 1)
	go func() {
		_, err := client.Push(context.Background(), named("n", 1), nil)
		outcome <- err
	}()
	server.Until("the push has arrived", func() bool { return len(server.Pushes()) == 1 })
	closed := make(chan error, 1)
	go func() { closed <- client.Close() }()
	close(gate)
	noError(t, receive(t, outcome))
	noError(t, receive(t, closed))
}
