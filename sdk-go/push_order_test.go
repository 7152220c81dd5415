package rockqueue

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// streamTo is the stream of pushes of a new client.
func streamTo(t *testing.T, server *scripted.Server) *pushStreams {
	t.Helper()
	client, err := NewClient(Config{URL: server.URL(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client.pushes
}

func batchOf(number int, payload []byte) *rockqueuepb.PushJobsRequest {
	return &rockqueuepb.PushJobsRequest{
		RequestId: strconv.Itoa(number), Jobs: []*rockqueuepb.JobSpec{{Queue: "q", Name: "n", Payload: payload}},
	}
}

func beginOn(t *testing.T, pushes *pushStreams, request *rockqueuepb.PushJobsRequest) *pushBatch {
	t.Helper()
	batch, err := pushes.begin(request)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func awaitStored(t *testing.T, batch *pushBatch) {
	t.Helper()
	select {
	case <-batch.answered:
	case <-time.After(time.Minute):
		t.Fatal("no outcome came")
	}
	if batch.err != nil {
		t.Fatalf("expected the batch to be stored, got %v", batch.err)
	}
}

func TestBatchesAreWrittenInTheOrderInWhichTheyWereBegun(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushJobs", scripted.Pushed)
	pushes := streamTo(t, server)
	batches := make([]*pushBatch, 500)
	for number := range batches {
		batches[number] = beginOn(t, pushes, batchOf(number, nil))
	}
	for _, batch := range batches {
		awaitStored(t, batch)
	}
	for number, request := range server.Pushes() {
		if request.GetRequestId() != strconv.Itoa(number) {
			t.Fatalf("expected batch %d, got %s", number, request.GetRequestId())
		}
	}
	if count := server.PushStreams(); count != 1 {
		t.Fatalf("expected 1 stream, got %d", count)
	}
}

func TestABatchWhoseCallerLeavesBeforeItIsWrittenIsNotSent(t *testing.T) {
	server := scripted.New(t)
	read := make(chan struct{})
	server.PlayPushes(func(talk *scripted.PushTalk) error {
		if err := talk.Until(read); err != nil {
			return err
		}
		for {
			batch, err := talk.Next()
			if err != nil {
				return nil // The end of the test.
			}
			talk.Store(batch)
		}
	})
	pushes := streamTo(t, server)
	// More than is taken on its way to a server that does not read: the writer waits behind the first.
	large := make([]byte, 1<<20)
	before := []*pushBatch{beginOn(t, pushes, batchOf(0, large)), beginOn(t, pushes, batchOf(1, large))}
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := pushes.push(ctx, batchOf(2, nil))
		ended <- err
	}()
	server.Until("the stream is open", func() bool { return server.PushStreams() == 1 })
	WaitUntil(t, "the batch is in line", func() bool {
		pushes.mu.Lock()
		defer pushes.mu.Unlock()
		unsent := pushes.current.unsent
		return before[1].written && len(unsent) == 1 && unsent[0].sequence == 3
	})
	after := beginOn(t, pushes, batchOf(3, nil))
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("expected context.Canceled, got %v", err)
	}
	close(read)
	for _, batch := range append(before, after) {
		awaitStored(t, batch)
	}
	requests := server.Pushes()
	if len(requests) != 3 || requests[2].GetRequestId() != "3" {
		t.Fatalf("expected batches 0, 1 and 3, got %d, the last of them %s", len(requests), requests[len(requests)-1].GetRequestId())
	}
}
