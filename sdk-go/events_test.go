package rockqueue_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

func events(cursor string, cursors ...string) *rockqueuepb.WatchEventsResponse {
	response := &rockqueuepb.WatchEventsResponse{Cursor: cursor}
	for _, one := range cursors {
		response.Events = append(response.Events, &rockqueuepb.Event{
			Cursor: one, Type: rockqueuepb.EventType_EVENT_TYPE_JOB_PUSHED, JobId: one,
		})
	}
	return response
}

// watch sends responses, and then breaks the stream off if it has an end.
func watch(end error, responses ...*rockqueuepb.WatchEventsResponse) scripted.Watch {
	return func(_ *rockqueuepb.WatchEventsRequest, send func(*rockqueuepb.WatchEventsResponse) error) error {
		for _, response := range responses {
			if err := send(response); err != nil {
				return err
			}
		}
		return end
	}
}

func TestABrokenEventStreamIsResumedWhereItBroke(t *testing.T) {
	server := scripted.New(t)
	server.Watch(
		watch(scripted.Break(), events("0"), events("2", "1", "2")),
		watch(scripted.Break()),
		watch(nil, events("2"), events("5", "3"), events("9")),
	)
	client := clientOf(t, server, rockqueue.Config{})
	stream, err := client.Watch(within(t), rockqueue.EventOptions{})
	noError(t, err)
	defer stream.Close()
	equal(t, stream.Cursor(), "0", "cursor")
	var seen []string
	for event, err := range stream.All() {
		noError(t, err)
		if seen = append(seen, event.JobID); len(seen) == 3 {
			break
		}
	}
	equal(t, strings.Join(seen, " "), "1 2 3", "events")
	equal(t, stream.Cursor(), "5", "cursor")
	var cursors []string
	for _, call := range server.Calls("WatchEvents") {
		request, ok := call.Request.(*rockqueuepb.WatchEventsRequest)
		if !ok {
			t.Fatalf("%T is no request", call.Request)
		}
		equal(t, call.Deadline, 0, "deadline of a stream")
		cursors = append(cursors, request.GetCursor())
	}
	equal(t, strings.Join(cursors, ","), ",2,2", "cursors")
}

func TestAnExpiredCursorEndsTheStream(t *testing.T) {
	server := scripted.New(t)
	server.Watch(watch(scripted.Refusal(codes.OutOfRange, "CURSOR_EXPIRED", map[string]string{"earliest_cursor": "7"})))
	client := clientOf(t, server, rockqueue.Config{})
	_, err := client.Watch(within(t), rockqueue.EventOptions{After: "1"})
	var known *rockqueue.Error
	if !errors.Is(err, rockqueue.ErrCursorExpired) || !errors.As(err, &known) {
		t.Fatalf("expected ErrCursorExpired, got %v", err)
	}
	equal(t, known.Metadata["earliest_cursor"], "7", "earliest cursor")
}

func TestEventsOfTypesFromTomorrowAreSkipped(t *testing.T) {
	server := scripted.New(t)
	response := events("2", "1", "2")
	response.Events[0].Type = 4711
	server.Watch(watch(nil, events("0"), response))
	client := clientOf(t, server, rockqueue.Config{})
	for event, err := range client.Events(within(t), rockqueue.EventOptions{}) {
		noError(t, err)
		equal(t, event.JobID, "2", "first known event")
		break
	}
}

func TestAClientThatIsClosedEndsItsEventStreams(t *testing.T) {
	server := scripted.New(t)
	server.Watch(watch(nil, events("0")))
	client := clientOf(t, server, rockqueue.Config{})
	stream, err := client.Watch(within(t), rockqueue.EventOptions{})
	noError(t, err)
	defer stream.Close()
	go client.Close()
	_, err = stream.Next()
	if !errors.Is(err, rockqueue.ErrClientClosed) {
		t.Fatalf("expected ErrClientClosed, got %v", err)
	}
}
