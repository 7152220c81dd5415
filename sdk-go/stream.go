package rockqueue

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// secondLook is how long a process that was kept from running may read what waits, before silence is taken for a broken
// stream.
const secondLook = 50 * time.Millisecond

// streamState is what ends with a stream. All but lastReceived is guarded by the session's lock.
type streamState struct {
	lastReceived atomic.Int64

	heartbeats   int64
	heartbeatDue bool
	// stuck are the leases of handlers that have run for too long, and late is by how much the timer of heartbeats was late
	// at most: of the heartbeat that is due.
	stuck        [][]byte
	late         time.Duration
	reportTimer  *time.Timer
	reportsDue   bool
	drainSaid    bool
	serverDrains bool
	goodbyeSaid  bool
}

// workStream is what a session reads from and writes to.
type workStream = grpc.BidiStreamingClient[rockqueuepb.WorkRequest, rockqueuepb.WorkResponse]

// serve works on one stream until it ends; nil is the end after a goodbye.
func (s *session) serve(ctx context.Context) *Error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var over route
	defer func() {
		if isSilence(ctx) {
			// The next stream must not go the same way.
			s.client.raw.retire(over.channel)
		}
	}()
	stream, opened, err := s.open(ctx, cancel, &over)
	if err != nil {
		return err
	}
	state := &streamState{reportsDue: true}
	state.lastReceived.Store(time.Now().UnixNano())
	s.takeOpened(opened, state)
	var helpers sync.WaitGroup
	helpers.Go(func() {
		// A writer that fails wakes the reader, who knows the stream's status.
		if err := s.write(ctx, stream, state); err != nil {
			cancel(err)
		}
	})
	helpers.Go(func() { s.keepAlive(ctx, cancel, state, opened.GetHeartbeatInterval().AsDuration()) })
	err = s.read(ctx, stream, state)
	cancel(nil)
	helpers.Wait()
	state.stopReports(s)
	return err
}

// open starts a stream, and returns it when the server has opened the session.
func (s *session) open(
	ctx context.Context, cancel context.CancelCauseFunc, over *route,
) (workStream, *rockqueuepb.SessionOpened, *Error) {
	timer := time.AfterFunc(openTimeout, func() { cancel(&silence{after: openTimeout}) })
	defer timer.Stop()
	stream, err := s.client.work.Work(ctx, callOption{over: over})
	if err != nil {
		return nil, nil, streamError(ctx, err)
	}
	// What goes wrong here is told by the status, which only reading gives.
	if err := stream.Send(s.openMessage()); err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, streamError(ctx, err)
	}
	first, err := stream.Recv()
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil, endedEarly()
	case err != nil:
		return nil, nil, streamError(ctx, err)
	case first.GetOpened() == nil:
		return nil, nil, endedEarly()
	}
	return stream, first.GetOpened(), nil
}

// ---- reading -----------------------------------------------------------------------------------------------------------

func (s *session) read(ctx context.Context, stream workStream, state *streamState) *Error {
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return s.endOfStream(state)
		}
		if err != nil {
			return streamError(ctx, err)
		}
		state.lastReceived.Store(time.Now().UnixNano())
		s.handle(message, state)
	}
}

func (s *session) endOfStream(state *streamState) *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state.goodbyeSaid {
		s.id = ""
		return nil
	}
	return &Error{Code: codes.Unavailable, Message: "the server ended the stream", Metadata: map[string]string{}}
}

func (s *session) handle(message *rockqueuepb.WorkResponse, state *streamState) {
	s.mu.Lock()
	if !state.serverDrains {
		// The stream works: the next break is the first again.
		s.pauses = 0
	}
	s.mu.Unlock()
	switch said := message.GetMessage().(type) {
	case *rockqueuepb.WorkResponse_Deliveries:
		s.takeDeliveries(said.Deliveries.GetDeliveries())
	case *rockqueuepb.WorkResponse_Settled:
		s.takeAnswer(said.Settled)
	case *rockqueuepb.WorkResponse_Cancels:
		s.takeCancels(said.Cancels.GetCancels())
	case *rockqueuepb.WorkResponse_Drain:
		s.mu.Lock()
		state.serverDrains = true
		s.pauses = 1
		s.mu.Unlock()
		s.runner.giveBackWaiting()
		s.notify()
	}
}

func (s *session) takeDeliveries(deliveries []*rockqueuepb.Delivery) {
	s.mu.Lock()
	for _, delivery := range deliveries {
		s.ledger.delivered(delivery.GetLeaseToken())
	}
	s.mu.Unlock()
	s.runner.deliver(deliveries)
}

func (s *session) takeAnswer(results *rockqueuepb.SettlementResults) {
	s.mu.Lock()
	for _, one := range s.outbox.answered(results) {
		s.notCarriedOut(one)
	}
	s.answeredSome()
	s.mu.Unlock()
	s.notify()
}

func (s *session) takeCancels(requests []*rockqueuepb.CancelRequest) {
	s.mu.Lock()
	for _, request := range requests {
		requested := request.GetCause() == rockqueuepb.CancelCause_CANCEL_CAUSE_REQUESTED
		if !requested && s.ledger.holds(request.GetLeaseToken()) {
			s.lost[string(request.GetLeaseToken())] = struct{}{}
		}
	}
	s.mu.Unlock()
	s.runner.cancel(requests)
}

// ---- writing -----------------------------------------------------------------------------------------------------------

func (s *session) write(ctx context.Context, stream workStream, state *streamState) error {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil
		}
		// Handlers that are about to end do so first: what ends together is settled together.
		runtime.Gosched()
		messages, leaving := s.compose(state)
		for _, message := range messages {
			if err := stream.Send(message); err != nil {
				return err
			}
		}
		if leaving && s.mayLeave(state) {
			return s.leaveStream(stream, state)
		}
	}
}

func (s *session) leaveStream(stream workStream, state *streamState) error {
	s.mu.Lock()
	state.goodbyeSaid = true
	s.mu.Unlock()
	goodbye := &rockqueuepb.WorkRequest{Message: &rockqueuepb.WorkRequest_Goodbye{Goodbye: &rockqueuepb.Goodbye{}}}
	if err := stream.Send(goodbye); err != nil {
		return err
	}
	return stream.CloseSend()
}

// compose returns all there is to say now, in the order in which the server should hear it, and whether a goodbye may
// follow. That is asked before anything is written: a drain that is asked for meanwhile has to be said first.
func (s *session) compose(state *streamState) (messages []*rockqueuepb.WorkRequest, leaving bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	leaving = s.mayLeaveLocked(state)
	if s.drained && !state.drainSaid {
		state.drainSaid = true
		messages = append(messages, &rockqueuepb.WorkRequest{
			Message: &rockqueuepb.WorkRequest_Drain{Drain: &rockqueuepb.Drain{}},
		})
	}
	if state.heartbeatDue {
		messages = append(messages, &rockqueuepb.WorkRequest{
			Message: &rockqueuepb.WorkRequest_Heartbeat{Heartbeat: state.heartbeat()},
		})
	}
	heldBack := s.holdsBack(state)
	if state.reportsDue || (len(s.outbox.waiting) > 0 && !heldBack) {
		// Before the settlements: reports for settled leases are dropped.
		state.reportsDue = false
		messages = append(messages, s.outbox.takeReports()...)
	}
	granted := int32(0)
	if !s.drained && !state.serverDrains && !heldBack {
		granted = s.ledger.grant()
	}
	if len(s.outbox.waiting) == 0 && granted > 0 {
		messages = append(messages, &rockqueuepb.WorkRequest{
			Message: &rockqueuepb.WorkRequest_Credits{Credits: &rockqueuepb.AddCredits{Credits: granted}},
		})
	}
	for !heldBack && len(s.outbox.waiting) > 0 {
		batch := s.outbox.takeBatch()
		if len(s.outbox.waiting) == 0 {
			// With the last one: before it, the server has not heard of all that freed them.
			batch.Credits = granted
		}
		messages = append(messages, &rockqueuepb.WorkRequest{
			Message: &rockqueuepb.WorkRequest_Settlements{Settlements: batch},
		})
	}
	return messages, leaving
}

// heartbeat is the one that is due; with the session's lock held.
func (t *streamState) heartbeat() *rockqueuepb.Heartbeat {
	t.heartbeats++
	made := &rockqueuepb.Heartbeat{
		Sequence: t.heartbeats, StuckLeases: t.stuck, LoopLag: durationpb.New(max(0, t.late)),
	}
	t.heartbeatDue, t.stuck, t.late = false, nil, 0
	return made
}

// holdsBack is true while a few settlements wait for company, as the contract's algorithm allows: until the answer to those
// before them is here, or a quarter of the window waits. One that comes alone goes at once.
func (s *session) holdsBack(state *streamState) bool {
	return len(s.outbox.unanswered) > 0 && len(s.outbox.waiting) > 0 && len(s.outbox.waiting)*4 < s.ledger.window &&
		!s.drained && !s.leaving && !state.serverDrains
}

func (s *session) mayLeave(state *streamState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mayLeaveLocked(state)
}

func (s *session) mayLeaveLocked(state *streamState) bool {
	wanted := s.leaving || (state.serverDrains && len(s.ledger.deliveries) == 0)
	return wanted && s.outbox.idle()
}

// scheduleReports lets reports be sent after a short while; with the session's lock held.
func (t *streamState) scheduleReports(s *session) {
	if t.reportTimer != nil || t.reportsDue {
		return
	}
	t.reportTimer = time.AfterFunc(reportPause, func() {
		s.mu.Lock()
		t.reportTimer = nil
		t.reportsDue = true
		s.mu.Unlock()
		s.notify()
	})
}

func (t *streamState) stopReports(s *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.reportTimer != nil {
		t.reportTimer.Stop()
	}
}

// ---- heartbeats --------------------------------------------------------------------------------------------------------

// keepAlive sends heartbeats, and breaks the stream off when nothing has come for twice their interval.
func (s *session) keepAlive(
	ctx context.Context, cancel context.CancelCauseFunc, state *streamState, interval time.Duration,
) {
	if interval <= 0 {
		return
	}
	longest := 2 * interval
	nextBeat := time.Now().Add(interval)
	for {
		silentAt := time.Unix(0, state.lastReceived.Load()).Add(longest)
		wakeAt := nextBeat
		if silentAt.Before(wakeAt) {
			wakeAt = silentAt
		}
		if !sleep(ctx, time.Until(wakeAt)) {
			return
		}
		s.noteLate(state, time.Since(wakeAt))
		if state.silentFor(longest) && sleep(ctx, secondLook) && state.silentFor(longest) {
			s.logger.Warn("nothing came from the server; reconnecting", "for", longest)
			cancel(&silence{after: longest})
			return
		}
		if now := time.Now(); !now.Before(nextBeat) {
			nextBeat = nextBeat.Add(interval)
			if nextBeat.Before(now) {
				nextBeat = now
			}
			s.beat()
		}
	}
}

// noteLate keeps by how much a goroutine with a timer was late: handlers wait for the same processors.
func (s *session) noteLate(state *streamState, late time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state.late = max(state.late, late)
}

func (t *streamState) silentFor(longest time.Duration) bool {
	return time.Since(time.Unix(0, t.lastReceived.Load())) >= longest
}
