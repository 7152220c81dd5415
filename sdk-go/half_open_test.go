package rockqueue_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

const (
	shortBeat    = 200 * time.Millisecond
	shortAttempt = 600 * time.Millisecond
	// soon is long before gRPC's keepalive finds a dead connection.
	soon = 10 * time.Second
)

// impatient attempts end soon.
var impatient = rockqueue.CallRetry{
	InitialDelay: time.Millisecond, MaxDelay: 20 * time.Millisecond, AttemptTimeout: shortAttempt,
}

// fallsSilent opens a session whose heartbeats come often, tells the test, and says nothing more.
func fallsSilent(t *testing.T, opened chan<- struct{}) scripted.Script {
	t.Helper()
	return func(talk *scripted.Talk) error {
		talk.Mute.Store(true)
		_, err := talk.Opened(&rockqueuepb.SessionOpened{SessionId: "s", HeartbeatInterval: durationpb.New(shortBeat)})
		if err != nil {
			return err
		}
		if err := talk.Credits(1); err != nil {
			return err
		}
		opened <- struct{}{}
		<-t.Context().Done()
		return nil
	}
}

// resumes takes the worker back, and gives it a job.
func resumes(settled chan<- error) scripted.Script {
	return script(settled, func(talk *scripted.Talk) error {
		open, err := talk.Opened(&rockqueuepb.SessionOpened{SessionId: "s", Resumed: true})
		if err != nil {
			return err
		}
		if err := talk.Deliver(scripted.Delivery(1, "work", "1")); err != nil {
			return err
		}
		found, err := talk.Settlements(1)
		return errors.Join(err, check(open.GetSessionId(), "s", "session"), check(len(found), 1, "settlements"))
	})
}

// workersOf starts workers of a client that has others, and stops them with the test.
func workersOf(t *testing.T, client *rockqueue.Client) *rockqueue.Workers {
	t.Helper()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{
		Queues: []string{"q"}, Concurrency: 1, Prefetch: new(0),
	})
	workers.HandleFunc("work", echo)
	noError(t, workers.Start(t.Context()))
	t.Cleanup(func() { stopWorkers(t, workers) })
	return workers
}

func checkSoon(t *testing.T, begun time.Time) {
	t.Helper()
	if took := time.Since(begun); took > soon {
		t.Fatalf("expected a new connection soon, it took %s", took)
	}
}

func TestAWorkerOnADeadConnectionGetsItsNextJobOverANewOne(t *testing.T) {
	server := scripted.New(t)
	network := scripted.NewNetwork(t, server)
	opened, settled := make(chan struct{}, 1), make(chan error, 1)
	server.Play(fallsSilent(t, opened), resumes(settled))
	client := clientOf(t, network, rockqueue.Config{})
	workers := workersOf(t, client)
	receive(t, opened)
	network.Swallow()
	begun := time.Now()
	noError(t, receive(t, settled))
	checkSoon(t, begun)
	equal(t, network.Accepted(), 2, "connections")
	rockqueue.WaitUntil(t, "the dead connection is closed", func() bool { return network.Open() == 1 })
	stopWorkers(t, workers)
	noError(t, client.Close())
	rockqueue.WaitUntil(t, "every connection is closed", func() bool { return network.Open() == 0 })
}

func TestAPushOnADeadConnectionIsAnsweredByTheSecondAttempt(t *testing.T) {
	server := scripted.New(t)
	network := scripted.NewNetwork(t, server)
	server.Answer("PushJobs", scripted.Pushed)
	twice := impatient
	twice.MaxAttempts = 2
	client := clientOf(t, network, rockqueue.Config{Retry: twice})
	noError(t, receive(t, pushing(within(t), client, 0)))
	for silences := 1; silences <= 2; silences++ {
		network.Swallow()
		noError(t, receive(t, pushing(within(t), client, silences)))
		equal(t, len(server.Pushes()), 1+silences, "batches that arrived")
		equal(t, network.Accepted(), 1+silences, "connections")
		rockqueue.WaitUntil(t, "the dead connection is closed", func() bool { return network.Open() == 1 })
	}
}

func TestACallOnADeadConnectionIsAnsweredByTheSecondAttempt(t *testing.T) {
	server := scripted.New(t)
	network := scripted.NewNetwork(t, server)
	twice := impatient
	twice.MaxAttempts = 2
	client := clientOf(t, network, rockqueue.Config{Retry: twice})
	_, err := client.ServerInfo(within(t))
	noError(t, err)
	for silences := 1; silences <= 2; silences++ {
		network.Swallow()
		_, err = client.ServerInfo(within(t))
		noError(t, err)
		equal(t, len(server.Calls("GetServerInfo")), 1+silences, "attempts that arrived")
		equal(t, network.Accepted(), 1+silences, "connections")
		rockqueue.WaitUntil(t, "the dead connection is closed", func() bool { return network.Open() == 1 })
	}
}

func TestAllThatFindAConnectionSilentMakeOneNewOne(t *testing.T) {
	server := scripted.New(t)
	network := scripted.NewNetwork(t, server)
	const many = 3
	opened, settled := make(chan struct{}, many), make(chan error, many)
	for range many {
		server.Play(fallsSilent(t, opened))
	}
	for range many {
		server.Play(resumes(settled))
	}
	server.Answer("PushJobs", scripted.Pushed)
	client := clientOf(t, network, rockqueue.Config{Retry: impatient})
	noError(t, receive(t, pushing(within(t), client, 0)))
	for range many {
		workersOf(t, client)
		receive(t, opened)
	}
	network.Swallow()
	begun := time.Now()
	var answers []<-chan error
	for number := range many {
		answers = append(answers, pushing(within(t), client, number))
	}
	for number := range many {
		_, err := client.ServerInfo(within(t))
		noError(t, err)
		noError(t, receive(t, answers[number]))
		noError(t, receive(t, settled))
	}
	checkSoon(t, begun)
	equal(t, network.Accepted(), 2, "connections")
	rockqueue.WaitUntil(t, "the dead connection is closed", func() bool { return network.Open() == 1 })
}

func TestAStreamThatIsAliveOutlivesTheSilenceOfAnother(t *testing.T) {
	server := scripted.New(t)
	network := scripted.NewNetwork(t, server)
	happen := make(chan struct{})
	server.Watch(func(_ *rockqueuepb.WatchEventsRequest, send func(*rockqueuepb.WatchEventsResponse) error) error {
		if err := send(&rockqueuepb.WatchEventsResponse{Cursor: "0"}); err != nil {
			return err
		}
		<-happen
		event := &rockqueuepb.Event{Cursor: "1", Type: rockqueuepb.EventType_EVENT_TYPE_JOB_PUSHED, JobId: "j"}
		return send(&rockqueuepb.WatchEventsResponse{Cursor: "1", Events: []*rockqueuepb.Event{event}})
	})
	client := clientOf(t, network, rockqueue.Config{})
	events, err := client.Watch(within(t), rockqueue.EventOptions{})
	noError(t, err)
	defer events.Close()
	opened, settled := make(chan struct{}, 1), make(chan error, 1)
	server.Play(fallsSilent(t, opened), resumes(settled))
	workersOf(t, client)
	noError(t, receive(t, settled))
	equal(t, network.Accepted(), 2, "connections")
	equal(t, network.Open(), 2, "open connections")
	close(happen)
	event, err := events.Next()
	noError(t, err)
	equal(t, event.JobID, "j", "event")
	events.Close()
	rockqueue.WaitUntil(t, "what nobody uses is closed", func() bool { return network.Open() == 1 })
}

func TestACallThatTakesTooLongLeavesAConnectionOnWhichOthersAreAnswered(t *testing.T) {
	server := scripted.New(t)
	network := scripted.NewNetwork(t, server)
	server.Answer("GetJob", scripted.Silent, scripted.Reply(&rockqueuepb.GetJobResponse{}))
	client := clientOf(t, network, rockqueue.Config{Retry: impatient})
	ended := make(chan error, 1)
	go func() {
		_, err := client.Get(within(t), "x")
		ended <- err
	}()
	server.Until("the call has arrived", func() bool { return len(server.Calls("GetJob")) == 1 })
	_, err := client.ServerInfo(within(t))
	noError(t, err)
	noError(t, receive(t, ended))
	equal(t, len(server.Calls("GetJob")), 2, "attempts")
	equal(t, network.Accepted(), 1, "connections")
}

func TestAnAttemptThatWaitedForItsConnectionDoesNotGiveItUp(t *testing.T) {
	server := scripted.New(t)
	network := scripted.NewNetwork(t, server)
	info := scripted.Reply(&rockqueuepb.GetServerInfoResponse{Version: "0"})
	server.Answer("GetServerInfo", scripted.Silent, info)
	server.Answer("PushJobs", scripted.Pushed, scripted.Silent, scripted.Pushed)
	client := clientOf(t, network, rockqueue.Config{Retry: impatient})
	_, err := client.ServerInfo(within(t))
	noError(t, err)
	equal(t, len(server.Calls("GetServerInfo")), 2, "attempts of the call")
	equal(t, network.Accepted(), 1, "connections of the call")
	noError(t, receive(t, pushing(within(t), client, 1)))
	network.Swallow()
	noError(t, receive(t, pushing(within(t), client, 2)))
	equal(t, len(server.Pushes()), 3, "batches that arrived")
	equal(t, network.Accepted(), 2, "connections")
}

func TestAClientClosedOnADeadConnectionLeavesNothingBehind(t *testing.T) {
	server := scripted.New(t)
	network := scripted.NewNetwork(t, server)
	server.Answer("PushJobs", scripted.Pushed)
	client := clientOf(t, network, rockqueue.Config{Retry: impatient})
	server.Watch(func(_ *rockqueuepb.WatchEventsRequest, send func(*rockqueuepb.WatchEventsResponse) error) error {
		return send(&rockqueuepb.WatchEventsResponse{Cursor: "0"})
	})
	events, err := client.Watch(within(t), rockqueue.EventOptions{})
	noError(t, err)
	defer events.Close()
	for number := range 2 {
		noError(t, receive(t, pushing(within(t), client, number)))
		network.Swallow()
	}
	ended := pushing(within(t), client, 2)
	noError(t, client.Close())
	if err := receive(t, ended); err != nil && !errors.Is(err, rockqueue.ErrClientClosed) {
		t.Fatalf("expected ErrClientClosed, got %v", err)
	}
	rockqueue.WaitUntil(t, "every connection is closed", func() bool { return network.Open() == 0 })
}
