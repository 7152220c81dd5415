package scripted

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// failure is what a script found that should not be.
type failure struct{ text string }

func (f *failure) Error() string { return f.text }

func fail(format string, values ...any) error { return &failure{fmt.Sprintf(format, values...)} }

// Break ends a stream as a lost connection does.
func Break() error { return Refusal(codes.Unavailable, "", nil) }

// Talk is one Work stream as its script sees it. Heartbeats are counted, and answered, unless Mute; LastHeartbeat is the
// latest.
type Talk struct {
	Mute          atomic.Bool
	Heartbeats    atomic.Int64
	LastHeartbeat atomic.Pointer[rockqueuepb.Heartbeat]

	server   *Server
	stream   rockqueuepb.WorkService_WorkServer
	incoming chan *rockqueuepb.WorkRequest
	replies  chan *rockqueuepb.WorkResponse
	credits  int
}

func newTalk(server *Server, stream rockqueuepb.WorkService_WorkServer) *Talk {
	talk := &Talk{
		server: server, stream: stream,
		incoming: make(chan *rockqueuepb.WorkRequest, 1000), replies: make(chan *rockqueuepb.WorkResponse),
	}
	go talk.read()
	go talk.write()
	return talk
}

func (t *Talk) read() {
	defer close(t.incoming)
	for {
		request, err := t.stream.Recv()
		if err != nil {
			return
		}
		if beat := request.GetHeartbeat(); beat != nil {
			t.LastHeartbeat.Store(beat)
			t.Heartbeats.Add(1)
			if !t.Mute.Load() {
				t.post(&rockqueuepb.WorkResponse{Message: &rockqueuepb.WorkResponse_Heartbeat{
					Heartbeat: &rockqueuepb.HeartbeatReply{Sequence: beat.GetSequence()},
				}})
			}
			continue
		}
		select {
		case t.incoming <- request:
		case <-t.stream.Context().Done():
			return
		}
	}
}

func (t *Talk) write() {
	for {
		select {
		case reply := <-t.replies:
			if t.stream.Send(reply) != nil {
				return
			}
		case <-t.stream.Context().Done():
			return
		}
	}
}

func (t *Talk) post(reply *rockqueuepb.WorkResponse) {
	select {
	case t.replies <- reply:
	case <-t.stream.Context().Done():
	}
}

// Send sends a message as it is.
func (t *Talk) Send(reply *rockqueuepb.WorkResponse) { t.post(reply) }

// Next is the next message that is no heartbeat; nil when the worker has ended its side.
func (t *Talk) Next() (*rockqueuepb.WorkRequest, error) {
	select {
	case request := <-t.incoming:
		if request != nil {
			t.credits += int(request.GetCredits().GetCredits() + request.GetSettlements().GetCredits())
		}
		return request, nil
	case <-time.After(waitTime):
		return nil, fail("the worker said nothing")
	}
}

// Opened takes open, and answers it.
func (t *Talk) Opened(answer *rockqueuepb.SessionOpened) (*rockqueuepb.OpenSession, error) {
	request, err := t.Next()
	if err != nil {
		return nil, err
	}
	if request.GetOpen() == nil {
		return nil, fail("expected open, got %v", request)
	}
	if answer.GetHeartbeatInterval() == nil {
		answer.HeartbeatInterval = durationpb.New(waitTime)
	}
	if answer.GetSessionId() == "" {
		answer.SessionId = "s-1"
	}
	answer.ResumeGrace = durationpb.New(waitTime)
	t.post(&rockqueuepb.WorkResponse{Message: &rockqueuepb.WorkResponse_Opened{Opened: answer}})
	return request.GetOpen(), nil
}

// Credits waits until the worker has granted exactly so many that are not used.
func (t *Talk) Credits(wanted int) error {
	if err := t.atLeast(wanted); err != nil {
		return err
	}
	if t.credits != wanted {
		return fail("expected %d credits, got %d", wanted, t.credits)
	}
	return nil
}

func (t *Talk) atLeast(credits int) error {
	for t.credits < credits {
		request, err := t.Next()
		if err != nil {
			return err
		}
		if request.GetCredits() == nil {
			return fail("expected credits, got %v", request)
		}
	}
	return nil
}

// Deliver delivers jobs, each for a credit.
func (t *Talk) Deliver(deliveries ...*rockqueuepb.Delivery) error {
	if err := t.atLeast(len(deliveries)); err != nil {
		return err
	}
	t.credits -= len(deliveries)
	t.post(&rockqueuepb.WorkResponse{Message: &rockqueuepb.WorkResponse_Deliveries{
		Deliveries: &rockqueuepb.Deliveries{Deliveries: deliveries},
	}})
	return nil
}

// Batch is the next message, which must be settlements; reports before it are skipped.
func (t *Talk) Batch() (*rockqueuepb.Settlements, error) {
	for {
		request, err := t.Next()
		if err != nil {
			return nil, err
		}
		if request.GetReports() != nil || request.GetCredits() != nil {
			continue
		}
		if request.GetSettlements() == nil {
			return nil, fail("expected settlements, got %v", request)
		}
		return request.GetSettlements(), nil
	}
}

// Refused is an entry of a batch that is not carried out.
type Refused struct {
	Index  int32
	Reason string
}

// Settle answers a batch.
func (t *Talk) Settle(batch *rockqueuepb.Settlements, refused ...Refused) {
	results := &rockqueuepb.SettlementResults{Sequence: batch.GetSequence()}
	for _, one := range refused {
		results.Failures = append(results.Failures, &rockqueuepb.EntryFailure{
			Index: one.Index, Status: &rockqueuepb.EntryStatus{
				Code: int32(codes.FailedPrecondition), Reason: one.Reason, Message: "scripted",
			},
		})
	}
	t.post(&rockqueuepb.WorkResponse{Message: &rockqueuepb.WorkResponse_Settled{Settled: results}})
}

// Settlements collects so many settlements, answering each batch.
func (t *Talk) Settlements(count int) ([]*rockqueuepb.Settlement, error) {
	var found []*rockqueuepb.Settlement
	for len(found) < count {
		batch, err := t.Batch()
		if err != nil {
			return nil, err
		}
		found = append(found, batch.GetSettlements()...)
		t.Settle(batch)
	}
	return found, nil
}

// Expect waits for a message of a kind: "drain" or "goodbye"; others before it are skipped only where they are credits.
func (t *Talk) Expect(kind string) error {
	for {
		request, err := t.Next()
		if err != nil {
			return err
		}
		switch {
		case kind == "drain" && request.GetDrain() != nil, kind == "goodbye" && request.GetGoodbye() != nil:
			return nil
		case request.GetCredits() != nil:
		default:
			return fail("expected %s, got %v", kind, request)
		}
	}
}

// Goodbye takes the orderly end.
func (t *Talk) Goodbye() error {
	if err := t.Expect("goodbye"); err != nil {
		return err
	}
	if request, err := t.Next(); err != nil || request != nil {
		return fail("expected the end of the stream, got %v (%v)", request, err)
	}
	return nil
}

// Drained takes Drain and the orderly end of a worker without jobs.
func (t *Talk) Drained() error {
	if err := t.Expect("drain"); err != nil {
		return err
	}
	return t.Goodbye()
}

// Delivery makes a first delivery; its token is "t<number>".
func Delivery(number int, kind, payload string) *rockqueuepb.Delivery {
	return &rockqueuepb.Delivery{
		JobId: "job-" + strconv.Itoa(number), LeaseToken: []byte("t" + strconv.Itoa(number)), Attempt: 1,
		Lease: durationpb.New(30 * time.Second),
		Spec: &rockqueuepb.JobSpec{
			Queue: "q", Name: kind, Payload: []byte(payload), ContentType: "application/json",
		},
	}
}
