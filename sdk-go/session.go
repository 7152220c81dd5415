package rockqueue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

const (
	openTimeout = 10 * time.Second
	heldLeases  = 10_000
	reportPause = 100 * time.Millisecond
	// hostNameBytes keeps within the contract's 255 characters.
	hostNameBytes = 255
	// warnAtPause: one break is nothing to speak of; one that the first reconnect does not mend is.
	warnAtPause = 2
)

// sessionOptions are what a session asks the server for.
type sessionOptions struct {
	queues      []string
	worker      string
	lease       time.Duration
	resumeGrace *time.Duration
}

// session is a worker session: one stream after the other, until the worker says goodbye. It keeps the credits, the
// heartbeats and the settlements.
type session struct {
	client  *Client
	logger  *slog.Logger
	options sessionOptions
	runner  *runner

	// wake tells the writer that there is something to say.
	wake chan struct{}
	// leave is closed when the worker wants to say goodbye.
	leave chan struct{}

	mu      sync.Mutex
	ledger  *creditLedger
	outbox  *outbox
	id      string
	pauses  int
	drained bool
	leaving bool
	// lost are the leases of running handlers that are gone: their outcomes are dropped.
	lost    map[string]struct{}
	stream  *streamState
	settled chan struct{}
}

func newSession(client *Client, options sessionOptions, ledger *creditLedger) *session {
	return &session{
		client: client, logger: client.logger, options: options, ledger: ledger, outbox: newOutbox(),
		wake: make(chan struct{}, 1), leave: make(chan struct{}), lost: make(map[string]struct{}),
		stream: &streamState{}, settled: make(chan struct{}),
	}
}

// run works until goodbye, and returns what no reconnect can mend. Cancelling ctx breaks it off.
func (s *session) run(ctx context.Context) error {
	for {
		err := s.serve(ctx)
		s.mu.Lock()
		s.ledger.streamEnded()
		s.outbox.streamEnded()
		leaving := s.leaving
		s.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && leaving:
			return nil
		case err == nil:
			s.logger.Info("worker session ended by a server that shuts down; opening a new one")
		case err.Reason == "SESSION_TAKEN":
			s.forget()
		case isFatal(err.Code), errors.Is(err, ErrClientClosed):
			return err
		default:
			s.logger.Debug("worker stream broke off", "error", err)
		}
		if !s.pause(ctx) {
			// The worker has waited for its settlements as long as it wanted to.
			return nil
		}
	}
}

// isFatal tells what no further attempt to open a session can mend.
func isFatal(code codes.Code) bool {
	switch code {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented, codes.PermissionDenied,
		codes.Unauthenticated:
		return true
	default:
		return false
	}
}

// pause waits before the next stream, and returns false when the worker leaves.
func (s *session) pause(ctx context.Context) bool {
	s.mu.Lock()
	wait := time.Duration(0)
	if s.pauses > 0 {
		wait = backoff(s.pauses, reconnectFirst, reconnectLongest, spread())
	}
	s.pauses++
	if s.pauses == warnAtPause {
		s.logger.Warn("no connection for the worker session; trying on")
	}
	leaving := s.leaving
	s.mu.Unlock()
	if leaving {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.leave:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.leaving
}

// ---- what the worker asks for ------------------------------------------------------------------------------------------

func (s *session) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// drain grants no more credits, and tells the server.
func (s *session) drain() {
	s.mu.Lock()
	s.drained = true
	s.mu.Unlock()
	s.notify()
}

// sayGoodbye ends the session in good order: run returns when the server has ended the stream.
func (s *session) sayGoodbye() {
	s.mu.Lock()
	if !s.leaving {
		s.leaving = true
		close(s.leave)
	}
	s.mu.Unlock()
	s.notify()
}

// waitSettled returns true when every settlement has its answer, and false when ctx ends first.
func (s *session) waitSettled(ctx context.Context) bool {
	for {
		s.mu.Lock()
		idle, changed := s.outbox.idle(), s.settled
		s.mu.Unlock()
		if idle {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// openSettlements counts those that the server has not answered.
func (s *session) openSettlements() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outbox.open()
}

// beat sends a heartbeat now. Stuck handlers are asked for before the lock is taken: the runner settles under its own.
func (s *session) beat() {
	stuck := s.runner.stuckLeases()
	s.mu.Lock()
	s.stream.heartbeatDue, s.stream.stuck = true, stuck
	s.mu.Unlock()
	s.notify()
}

// settle takes an outcome to send.
func (s *session) settle(settlement *rockqueuepb.Settlement) {
	token := settlement.GetLeaseToken()
	s.mu.Lock()
	s.ledger.settled(token)
	if _, gone := s.lost[string(token)]; gone {
		delete(s.lost, string(token))
	} else {
		s.outbox.add(settlement)
	}
	s.mu.Unlock()
	s.notify()
}

// dropped is for a delivery whose lease is lost, and whose handler has ended.
func (s *session) dropped(token []byte) {
	s.mu.Lock()
	s.ledger.settled(token)
	delete(s.lost, string(token))
	s.mu.Unlock()
	s.notify()
}

// report takes progress and log lines; they are sent after a short while, together.
func (s *session) report(report *rockqueuepb.JobReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, gone := s.lost[string(report.GetLeaseToken())]; gone {
		return
	}
	s.outbox.report(report)
	s.stream.scheduleReports(s)
}

// ---- leases that are gone ----------------------------------------------------------------------------------------------

// lose drops the outcomes of lost leases, and stops their handlers.
func (s *session) lose(tokens map[string]struct{}) {
	s.mu.Lock()
	dropped := s.outbox.drop(tokens)
	running := make(map[string]struct{})
	for token := range tokens {
		if s.ledger.holds([]byte(token)) {
			running[token] = struct{}{}
			s.lost[token] = struct{}{}
		}
	}
	s.answeredSome()
	s.mu.Unlock()
	if dropped+len(running) > 0 {
		s.logger.Warn("leases were lost while the worker had no connection", "leases", dropped+len(running))
	}
	s.runner.lose(running)
}

func (s *session) allTokens() map[string]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]struct{})
	for token := range s.ledger.deliveries {
		all[token] = struct{}{}
	}
	for _, token := range s.outbox.tokens() {
		all[string(token)] = struct{}{}
	}
	return all
}

// forget gives up a session that another stream has taken over: this worker must not resume it.
func (s *session) forget() {
	s.logger.Warn("another stream took over the worker session; opening a new one", "session", s.id)
	s.lose(s.allTokens())
	s.mu.Lock()
	s.id = ""
	s.mu.Unlock()
}

// answeredSome wakes those who wait for settlements; with the lock held.
func (s *session) answeredSome() {
	close(s.settled)
	s.settled = make(chan struct{})
}

// ---- opening -----------------------------------------------------------------------------------------------------------

func (s *session) openMessage() *rockqueuepb.WorkRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := &rockqueuepb.OpenSession{
		Queues: s.options.queues, Worker: s.options.worker, SessionId: s.id, Client: clientName,
		ResumeGrace: durationOrNil(s.options.resumeGrace), Host: hostName(), Pid: int64(os.Getpid()),
	}
	if s.options.lease != 0 {
		open.Lease = durationpb.New(s.options.lease)
	}
	if s.id != "" {
		held := make([][]byte, 0, len(s.ledger.deliveries))
		for token := range s.ledger.deliveries {
			if _, gone := s.lost[token]; !gone {
				held = append(held, []byte(token))
			}
		}
		held = append(held, s.outbox.tokens()...)
		open.HeldLeases = held[:min(len(held), heldLeases)]
	}
	return &rockqueuepb.WorkRequest{Message: &rockqueuepb.WorkRequest_Open{Open: open}}
}

// hostName is what people call this machine, as the contract allows it.
func hostName() string {
	name, _ := os.Hostname()
	if strings.ContainsFunc(name, unicode.IsControl) {
		return ""
	}
	return cutText(name, hostNameBytes)
}

// takeOpened begins a stream with what the server answered.
func (s *session) takeOpened(opened *rockqueuepb.SessionOpened, stream *streamState) {
	if s.id != "" && !opened.GetResumed() {
		s.lose(s.allTokens())
	} else if len(opened.GetLostLeases()) > 0 {
		gone := make(map[string]struct{})
		for _, token := range opened.GetLostLeases() {
			gone[string(token)] = struct{}{}
		}
		s.lose(gone)
	}
	s.mu.Lock()
	s.id = opened.GetSessionId()
	s.stream = stream
	s.mu.Unlock()
	s.notify()
}

// notCarriedOut settles otherwise what the server refused: the job is still ACTIVE, and heartbeats would keep it so for
// ever. With the lock held.
func (s *session) notCarriedOut(one refusal) {
	token, reason, message := one.settlement.GetLeaseToken(), one.status.GetReason(), one.status.GetMessage()
	if reason == "LEASE_LOST" {
		s.logger.Info("a settlement came too late", "why", message)
		return
	}
	s.logger.Warn("the server refused a settlement", "reason", reason, "why", message)
	switch one.settlement.GetOutcome().(type) {
	case *rockqueuepb.Settlement_Complete, *rockqueuepb.Settlement_Cancelled, *rockqueuepb.Settlement_Snooze:
		forGood := reason == reasonInvalidField || reason == reasonLimitExceeded
		s.outbox.add(refused(token, reason, message, forGood))
	case *rockqueuepb.Settlement_Fail:
		s.outbox.add(released(token))
	}
}

func endedEarly() *Error {
	return &Error{
		Code: codes.Unavailable, Message: "the server ended the stream before it opened the session",
		Metadata: map[string]string{},
	}
}

// streamError makes an *Error of what ended a stream.
func streamError(ctx context.Context, err error) *Error {
	var silent *silence
	if cause := context.Cause(ctx); errors.As(cause, &silent) {
		return &Error{Code: codes.Unavailable, Message: silent.Error(), cause: cause, Metadata: map[string]string{}}
	}
	return fromRPC(err)
}

func isSilence(ctx context.Context) bool {
	_, silent := errors.AsType[*silence](context.Cause(ctx))
	return silent
}

// silence is why this side breaks a stream off.
type silence struct{ after time.Duration }

func (s *silence) Error() string { return fmt.Sprintf("nothing came from the server for %s", s.after) }
