package rockqueue

import (
	"context"
	"iter"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// unknownKindPause is for how long jobs are put off that have no handler here, for workers that have one.
const unknownKindPause = 5 * time.Second

// stuckReported is how many stuck handlers a heartbeat may name.
const stuckReported = 1_000

// runner holds the handlers that run now: it starts up to the concurrency, the others wait in the order in which they
// came. Each runs on a goroutine, which goes on with the next delivery when it is done.
type runner struct {
	// base is the parent of the handlers' contexts: it has values and no end.
	base        context.Context
	handlers    map[string]HandlerFunc
	codec       Codec
	logger      *slog.Logger
	session     *session
	flows       Flows
	concurrency int
	// stuckAfter is how long handlers may run unmentioned; 0: for ever.
	stuckAfter time.Duration
	shutdown   chan struct{}

	mu        sync.Mutex
	waiting   []*rockqueuepb.Delivery
	runs      map[string]*run
	unknown   map[string]struct{}
	draining  bool
	empty     chan struct{}
	abandoned bool
}

// run is one delivery in the hands of its handler; its flags are guarded by the runner's lock.
type run struct {
	delivery *Delivery
	cancel   context.CancelCauseFunc
	since    time.Time
	asked    bool
	lost     bool
	// stuck is set once the log has said so.
	stuck bool
}

func newRunner(base context.Context, workers *Workers) *runner {
	return &runner{
		base: base, handlers: workers.handlers, codec: workers.client.config.Codec, logger: workers.client.logger,
		flows: workers.client.Flows(), concurrency: workers.config.Concurrency, stuckAfter: *workers.config.StuckAfter,
		shutdown: make(chan struct{}),
		runs:     make(map[string]*run), unknown: make(map[string]struct{}), empty: make(chan struct{}),
	}
}

func (r *runner) report(report *rockqueuepb.JobReport) { r.session.report(report) }

func (r *runner) shuttingDown() <-chan struct{} { return r.shutdown }

func (r *runner) parents(ctx context.Context, jobID string) iter.Seq2[*ParentJob, error] {
	return r.flows.Parents(ctx, jobID)
}

// deliver takes jobs to work on.
func (r *runner) deliver(deliveries []*rockqueuepb.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, deliveries...)
	if r.draining {
		r.releaseWaiting()
		return
	}
	if first := r.next(); first != nil {
		go r.work(first)
	}
}

// next takes the next delivery in line that has a handler, if there is room for it. With the lock held.
func (r *runner) next() *begun {
	for !r.draining && len(r.waiting) > 0 && len(r.runs) < r.concurrency {
		if one := r.begin(); one != nil {
			return one
		}
	}
	return nil
}

// begun is a delivery whose handler is about to be called.
type begun struct {
	run     *run
	ctx     context.Context
	handler HandlerFunc
}

// begin takes the next delivery in line; nil when there is no handler for it. With the lock held.
func (r *runner) begin() *begun {
	message := r.waiting[0]
	r.waiting[0] = nil
	r.waiting = r.waiting[1:]
	handler := r.handlers[message.GetSpec().GetName()]
	if handler == nil {
		r.putOff(message)
		return nil
	}
	delivery := newDelivery(message, r.codec, r)
	ctx, cancel := context.WithCancelCause(r.base)
	one := &run{delivery: delivery, cancel: cancel, since: time.Now()}
	r.runs[string(delivery.token)] = one
	return &begun{run: one, ctx: ctx, handler: handler}
}

func (r *runner) putOff(message *rockqueuepb.Delivery) {
	kind := message.GetSpec().GetName()
	if _, known := r.unknown[kind]; !known {
		r.unknown[kind] = struct{}{}
		r.logger.Warn("no worker for this kind of job; its jobs are put off for workers that have one",
			"kind", kind, "queue", message.GetSpec().GetQueue(), "for", unknownKindPause)
	}
	r.session.settle(snoozed(message.GetLeaseToken(), unknownKindPause))
}

// work calls handlers until nothing waits. It lets the next delivery begin first, so that those that came together begin
// in their order.
func (r *runner) work(one *begun) {
	r.mu.Lock()
	if next := r.next(); next != nil {
		go r.work(next)
	}
	r.mu.Unlock()
	for one != nil {
		err := call(one.ctx, one.run.delivery, one.handler)
		one = r.end(one.run, err, context.Cause(one.ctx))
	}
}

// call runs a handler: within the job's timeout, and with a panic as an error.
func call(ctx context.Context, delivery *Delivery, handler HandlerFunc) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value: value, stack: debug.Stack()}
		}
	}()
	if delivery.timeout > 0 {
		return withinTimeout(ctx, delivery.timeout, func(ctx context.Context) error { return handler(ctx, delivery) })
	}
	return handler(ctx, delivery)
}

// end settles what a handler has done, and returns what its goroutine goes on with.
func (r *runner) end(one *run, err, cause error) *begun {
	one.cancel(nil)
	r.mu.Lock()
	asked := one.asked
	r.mu.Unlock()
	how := &ending{err: err, cause: cause, asked: asked}
	settlement := how.settle(one.delivery)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.abandoned {
		return nil
	}
	// Settled before it is gone: who waits until no handler runs may rely on all outcomes being in the session.
	if one.lost {
		r.session.dropped(one.delivery.token)
	} else {
		if settlement.GetFail() != nil {
			r.logger.Warn("job failed", "job", one.delivery.String(), "queue", one.delivery.Queue, "error", err)
		}
		r.session.settle(settlement)
	}
	delete(r.runs, string(one.delivery.token))
	next := r.next()
	if r.draining && len(r.runs) == 0 {
		close(r.empty)
	}
	return next
}

// cancel stops handlers, and settles jobs that need not begin.
func (r *runner) cancel(requests []*rockqueuepb.CancelRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, request := range requests {
		requested := request.GetCause() == rockqueuepb.CancelCause_CANCEL_CAUSE_REQUESTED
		token := request.GetLeaseToken()
		if one := r.runs[string(token)]; one != nil {
			one.asked = one.asked || requested
			one.lost = one.lost || !requested
			one.cancel(causeOf(request.GetCause()))
		} else if r.takeWaiting(token) {
			if requested {
				r.session.settle(cancelled(token))
			} else {
				r.session.dropped(token)
			}
		}
	}
}

func causeOf(cause rockqueuepb.CancelCause) error {
	switch cause {
	case rockqueuepb.CancelCause_CANCEL_CAUSE_REQUESTED:
		return ErrJobCancelled
	case rockqueuepb.CancelCause_CANCEL_CAUSE_TIMEOUT:
		return ErrJobTimeout
	default:
		return ErrLeaseLost
	}
}

// lose stops handlers whose leases are lost; what they return is dropped.
func (r *runner) lose(tokens map[string]struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for token := range tokens {
		if one := r.runs[token]; one != nil {
			one.lost = true
			one.cancel(ErrLeaseLost)
		} else if r.takeWaiting([]byte(token)) {
			r.session.dropped([]byte(token))
		}
	}
}

func (r *runner) takeWaiting(token []byte) bool {
	for index, message := range r.waiting {
		if string(message.GetLeaseToken()) == string(token) {
			r.waiting = slices.Delete(r.waiting, index, index+1)
			return true
		}
	}
	return false
}

// giveBackWaiting releases what has not begun.
func (r *runner) giveBackWaiting() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.releaseWaiting()
}

func (r *runner) releaseWaiting() {
	for _, message := range r.waiting {
		r.session.settle(released(message.GetLeaseToken()))
	}
	r.waiting = nil
}

// stopAccepting begins no more handlers, tells those that run, and gives back what waits.
func (r *runner) stopAccepting() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.draining {
		return
	}
	r.draining = true
	r.releaseWaiting()
	close(r.shutdown)
	if len(r.runs) == 0 {
		close(r.empty)
	}
}

// cancelAll stops the handlers that are left.
func (r *runner) cancelAll(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.runs {
		one.cancel(cause)
	}
}

// stuckLeases are those of handlers that have run for longer than they should: for the next heartbeat. The log hears of each
// once.
func (r *runner) stuckLeases() [][]byte {
	if r.stuckAfter == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var leases [][]byte
	for _, one := range r.runs {
		running := time.Since(one.since)
		if running < r.stuckAfter || one.lost {
			continue
		}
		if !one.stuck {
			one.stuck = true
			r.logger.Warn("a handler may be stuck: it has run for longer than StuckAfter",
				"job", one.delivery.String(), "queue", one.delivery.Queue, "for", running.Round(time.Second))
		}
		if len(leases) < stuckReported {
			leases = append(leases, one.delivery.token)
		}
	}
	return leases
}

// abandonAll releases the jobs of handlers that do not stop, ignores what becomes of them, and returns how many they are.
func (r *runner) abandonAll() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.abandoned = true
	for token, one := range r.runs {
		if one.lost {
			r.session.dropped([]byte(token))
		} else {
			r.session.settle(released(one.delivery.token))
		}
	}
	return len(r.runs)
}
