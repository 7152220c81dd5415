package rockqueue

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

const (
	batchJobs  = 500
	batchBytes = 1 << 20
	// openBatches may be under way at once; what gathers meanwhile travels with the next.
	openBatches = 2
	// openFullBatches is the bound for full batches, which gain nothing by waiting.
	openFullBatches = 8
)

// pushBatcher lets concurrent single pushes travel together. With no batch under way a push is sent at once; with one, it
// waits for others for Config.Linger; with two, until one of them is answered. Batches are cut in the order of the pushes.
type pushBatcher struct {
	client *Client
	room   bufferRoom

	mu      sync.Mutex
	queue   []*pushEntry
	bytes   int
	open    int
	maxJobs int
	// ready is set once the first batch has asked for the server's limits: until then it goes alone, so that none that
	// asks with it overtakes it.
	ready    bool
	lingerer *time.Timer
	armed    bool
	closed   bool
	// senders are the goroutines that wait for the server.
	senders sync.WaitGroup
}

// pushEntry is one push on its way. All but the spec and the answer is guarded by the batcher's lock.
type pushEntry struct {
	spec     *rockqueuepb.JobSpec
	size     int
	since    time.Time
	deadline time.Time

	// sent is set while a batch with this entry is under way; gone, when the caller does not wait any longer.
	sent *openBatch
	gone bool

	answered chan struct{}
	pushed   PushedJob
	err      error
}

// openBatch is a batch under way: it ends when nobody waits for it any longer.
type openBatch struct {
	waiting int
	cancel  context.CancelFunc
}

var entryPool = sync.Pool{New: func() any { return &pushEntry{answered: make(chan struct{}, 1)} }}

func newPushBatcher(client *Client) *pushBatcher {
	return &pushBatcher{
		client: client, maxJobs: batchJobs, room: bufferRoom{maxJobs: roomJobs, maxBytes: roomBytes},
	}
}

// push stores one job and waits for the answer.
func (b *pushBatcher) push(ctx context.Context, spec *rockqueuepb.JobSpec) (PushedJob, error) {
	size := proto.Size(spec)
	if err := b.enter(ctx, size); err != nil {
		return PushedJob{}, err
	}
	entry, ok := entryPool.Get().(*pushEntry)
	if !ok {
		panic("rockqueue: the pool of entries holds entries only")
	}
	entry.spec, entry.size, entry.since = spec, size, time.Now()
	entry.deadline, _ = ctx.Deadline()
	if err := b.submit(entry); err != nil {
		b.room.giveBack(1, size)
		return PushedJob{}, err
	}
	select {
	case <-entry.answered:
	case <-ctx.Done():
		if err := b.abandon(ctx, entry); err != nil {
			return PushedJob{}, err
		}
		<-entry.answered
	}
	pushed, err := entry.pushed, entry.err
	*entry = pushEntry{answered: entry.answered}
	entryPool.Put(entry)
	return pushed, err
}

// enter waits until there is room for one more push.
func (b *pushBatcher) enter(ctx context.Context, size int) error {
	if err := b.client.checkOpen(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fromContext(ctx, "the caller has left before the push")
	}
	if b.room.tryTake(size) {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, b.client.config.Timeout)
	defer cancel()
	if !b.room.take(bounded, size) {
		return fromContext(bounded, "the server takes pushes more slowly than they are made; this one has not been sent")
	}
	return nil
}

func (b *pushBatcher) submit(entry *pushEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return closedError()
	}
	b.queue = append(b.queue, entry)
	b.bytes += entry.size
	b.pump()
	return nil
}

// abandon is for a caller that does not wait any longer; nil when the answer has come at the same time.
func (b *pushBatcher) abandon(ctx context.Context, entry *pushEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(entry.answered) > 0 {
		return nil
	}
	entry.gone = true
	err := fromContext(ctx, "the caller has left before the push was answered")
	if entry.sent != nil {
		err.OutcomeUnknown = true
		entry.sent.leave()
	}
	return err
}

func (o *openBatch) leave() {
	o.waiting--
	if o.waiting == 0 {
		o.cancel()
	}
}

// pump cuts batches as long as one may be sent; with the lock held.
func (b *pushBatcher) pump() {
	for len(b.queue) > 0 {
		full := len(b.queue) >= b.maxJobs || b.bytes >= batchBytes
		if !b.ready && b.open > 0 {
			return
		}
		may := b.open == 0 || (full && b.open < openFullBatches) || (b.open < openBatches && b.lingered())
		if !may {
			if b.open < openBatches {
				b.arm()
			}
			return
		}
		batch := b.cut()
		b.open++
		b.senders.Go(func() { b.send(batch) })
	}
}

func (b *pushBatcher) lingered() bool {
	return b.closed || time.Since(b.queue[0].since) >= b.client.config.Linger
}

// arm lets the batcher look again when the first push in line has lingered.
func (b *pushBatcher) arm() {
	if b.armed || len(b.queue) == 0 {
		return
	}
	b.armed = true
	left := b.client.config.Linger - time.Since(b.queue[0].since)
	if b.lingerer != nil {
		b.lingerer.Reset(left)
		return
	}
	b.lingerer = time.AfterFunc(left, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.armed = false
		b.pump()
	})
}

func (b *pushBatcher) cut() []*pushEntry {
	size, count := 0, 0
	for count < len(b.queue) && count < b.maxJobs {
		if count > 0 && size+b.queue[count].size > batchBytes {
			break
		}
		size += b.queue[count].size
		count++
	}
	batch := slices.Clone(b.queue[:count])
	b.queue = b.queue[count:]
	if len(b.queue) == 0 {
		b.queue = nil
	}
	b.bytes -= size
	return batch
}

func (b *pushBatcher) send(batch []*pushEntry) {
	limits := b.client.serverLimits(b.client.base)
	b.mu.Lock()
	b.maxJobs = min(batchJobs, int(limits.GetBatchEntries()))
	most := b.maxJobs
	if !b.ready {
		b.ready = true
		b.arm()
	}
	b.mu.Unlock()
	for chunk := range slices.Chunk(batch, most) {
		b.deliver(chunk)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
	b.pump()
}

// start makes the context of a batch: it ends when its callers' time is up, or when all of them have left. What waited
// too long, and who has left, is taken out.
func (b *pushBatcher) start(entries []*pushEntry) ([]*pushEntry, context.Context, *openBatch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	latest := now
	kept := make([]*pushEntry, 0, len(entries))
	for _, entry := range entries {
		limit := entry.since.Add(b.client.config.Timeout)
		if !entry.deadline.IsZero() && entry.deadline.Before(limit) {
			limit = entry.deadline
		}
		switch {
		case entry.gone:
			b.room.giveBack(1, entry.size)
		case !limit.After(now):
			b.answer(entry, PushedJob{}, &Error{
				Code: codes.DeadlineExceeded, Message: "the push has waited too long for a busy server; it has not been sent",
				Metadata: map[string]string{},
			})
		default:
			kept = append(kept, entry)
			if limit.After(latest) {
				latest = limit
			}
		}
	}
	ctx, cancel := context.WithDeadline(b.client.base, latest)
	open := &openBatch{waiting: len(kept), cancel: cancel}
	for _, entry := range kept {
		entry.sent = open
	}
	return kept, ctx, open
}

// settle gives a batch's entries their answers.
func (b *pushBatcher) settle(entries []*pushEntry, pushed []*rockqueuepb.PushedJob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for index, entry := range entries {
		if index < len(pushed) {
			b.answer(entry, pushedJob(pushed[index]), nil)
		} else {
			b.answer(entry, PushedJob{}, &Error{
				Code: codes.Internal, Message: "the server answered fewer jobs than it was sent", OutcomeUnknown: true,
				Metadata: map[string]string{},
			})
		}
	}
}

// fail gives entries an error each.
func (b *pushBatcher) fail(entries []*pushEntry, err *Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, entry := range entries {
		b.answer(entry, PushedJob{}, err.clone())
	}
}

// answer wakes one caller; with the lock held.
func (b *pushBatcher) answer(entry *pushEntry, pushed PushedJob, err *Error) {
	b.room.giveBack(1, entry.size)
	if entry.gone {
		return
	}
	entry.pushed, entry.sent = pushed, nil
	if err != nil {
		entry.err = err
	}
	entry.answered <- struct{}{}
}

// finish sends what waits, and returns when everything is answered; what is not within the time is broken off.
func (b *pushBatcher) finish(within time.Duration) {
	b.mu.Lock()
	b.closed = true
	b.pump()
	b.mu.Unlock()
	done := make(chan struct{})
	go func() {
		b.senders.Wait()
		close(done)
	}()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		b.client.end(ErrClientClosed)
		<-done
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lingerer != nil {
		b.lingerer.Stop()
	}
}
