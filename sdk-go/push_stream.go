package rockqueue

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// pushStreams carries the batches of a client, on one stream at a time. The first push opens it, and so does the first
// after its end: a message on a stream costs less than half of a call.
type pushStreams struct {
	client *Client
	// patience is how long a stream that was asked something may say nothing before it is given up.
	patience time.Duration

	// mu guards the streams and their batches, too.
	mu      sync.Mutex
	current *pushStream
	closed  bool
	// running are the goroutines of streams that have not ended.
	running sync.WaitGroup
}

func newPushStreams(client *Client) *pushStreams {
	attempt := min(client.config.Timeout, client.config.Retry.AttemptTimeout)
	// The half tells an attempt that had all its time, a little late on a busy machine, from a caller in a hurry: that one
	// must not take the stream from the others.
	return &pushStreams{client: client, patience: attempt / 2}
}

// push is one attempt: it sends a batch behind those that were begun before it, and waits for the outcome until ctx ends.
func (p *pushStreams) push(ctx context.Context, request *rockqueuepb.PushJobsRequest) (*rockqueuepb.PushJobsResponse, error) {
	if ctx.Err() != nil {
		return nil, fromContext(ctx, "the push has not been sent")
	}
	batch, err := p.begin(request)
	if err != nil {
		return nil, err
	}
	select {
	case <-batch.answered:
	case <-ctx.Done():
		if p.leave(batch) {
			return nil, fromContext(ctx, "no answer to the push has come")
		}
	}
	if batch.err != nil {
		return nil, batch.err
	}
	return batch.response, nil
}

// begin puts a batch in line on the stream that is open, or on a new one.
func (p *pushStreams) begin(request *rockqueuepb.PushJobsRequest) (*pushBatch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, closedError()
	}
	if p.current == nil {
		stream := &pushStream{owner: p, more: make(chan struct{}, 1), waiting: make(map[int64]*pushBatch)}
		stream.ctx, stream.cancel = context.WithCancel(p.client.base)
		p.current = stream
		p.running.Go(stream.run)
	}
	stream := p.current
	stream.last++
	batch := &pushBatch{
		request: request, stream: stream, sequence: stream.last, begun: time.Now(), answered: make(chan struct{}),
	}
	stream.waiting[batch.sequence] = batch
	stream.unsent = append(stream.unsent, batch)
	select {
	case stream.more <- struct{}{}:
	default:
	}
	return batch, nil
}

// leave is for an attempt that is over; false when the outcome has come at the same time. What was not written is not
// sent any more.
func (p *pushStreams) leave(batch *pushBatch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	stream := batch.stream
	if stream.waiting[batch.sequence] != batch {
		return false
	}
	delete(stream.waiting, batch.sequence)
	stream.unsent = slices.DeleteFunc(stream.unsent, func(one *pushBatch) bool { return one == batch })
	if stream.silentSince(batch.begun) >= p.patience {
		if stream.over.ready || !stream.heard.IsZero() {
			// The next stream must not go the same way.
			p.client.raw.retire(stream.over.channel)
		}
		stream.giveUp(&Error{
			Code: codes.Unavailable, Message: "the server answers nothing on the stream of pushes; it was given up",
			Metadata: map[string]string{},
		})
	}
	return true
}

// close returns when nothing of the streams is left; the client's base context has ended before.
func (p *pushStreams) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.running.Wait()
}

// pushBatch is one attempt to push a batch. Its outcome is there when answered is closed.
type pushBatch struct {
	request  *rockqueuepb.PushJobsRequest
	stream   *pushStream
	sequence int64
	begun    time.Time
	written  bool

	answered chan struct{}
	response *rockqueuepb.PushJobsResponse
	err      *Error
}

func (b *pushBatch) answer(response *rockqueuepb.PushJobsResponse, err *Error) {
	b.response, b.err = response, err
	close(b.answered)
}

// pushStream is one stream, from its opening to its end.
type pushStream struct {
	owner  *pushStreams
	ctx    context.Context
	cancel context.CancelFunc
	// more tells the writer that there is something to write.
	more chan struct{}

	// What follows is guarded by the owner's lock. Sequences count from 1.
	over    route
	last    int64
	unsent  []*pushBatch
	waiting map[int64]*pushBatch
	// heard is when the last answer came; asked, when the first batch after it was written: zero, if none was.
	heard time.Time
	asked time.Time
}

// pushClient is what a stream is read from and written to.
type pushClient = grpc.BidiStreamingClient[rockqueuepb.StreamPushesRequest, rockqueuepb.StreamPushesResponse]

func (s *pushStream) run() {
	defer s.cancel()
	var over route
	stream, err := s.owner.client.jobs.StreamPushes(s.ctx, callOption{over: &over})
	if err != nil {
		s.end(err)
		return
	}
	s.owner.mu.Lock()
	s.over = over
	s.owner.mu.Unlock()
	s.owner.running.Go(func() { s.write(stream) })
	s.end(s.read(stream))
}

// write sends what is in line until the stream ends. Why a stream takes no more, its reader learns.
func (s *pushStream) write(stream pushClient) {
	for {
		batch := s.next()
		if batch == nil {
			select {
			case <-s.more:
				continue
			case <-s.ctx.Done():
				return
			}
		}
		message := &rockqueuepb.StreamPushesRequest{Sequence: batch.sequence, Batch: batch.request}
		// Written as bytes before it is sent: text that is no UTF-8 fails its batch, and would break the stream.
		var prepared grpc.PreparedMsg
		if err := prepared.Encode(stream, message); err != nil {
			s.settle(batch.sequence, nil, fromRPC(err))
			continue
		}
		if err := stream.SendMsg(&prepared); err != nil {
			if !errors.Is(err, io.EOF) {
				s.end(err)
			}
			return
		}
	}
}

// next takes the first batch in line; nil when there is none.
func (s *pushStream) next() *pushBatch {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	if len(s.unsent) == 0 {
		return nil
	}
	batch := s.unsent[0]
	s.unsent[0] = nil
	s.unsent = s.unsent[1:]
	batch.written = true
	if s.asked.IsZero() {
		s.asked = time.Now()
	}
	return batch
}

// read takes outcomes until the stream ends, and returns its status.
func (s *pushStream) read(stream pushClient) error {
	for {
		response, err := stream.Recv()
		if err != nil {
			return err
		}
		s.owner.mu.Lock()
		s.heard, s.asked = time.Now(), time.Time{}
		s.owner.mu.Unlock()
		for _, outcome := range response.GetOutcomes() {
			if failure := outcome.GetFailure(); failure != nil {
				s.settle(outcome.GetSequence(), nil, fromEntry(failure))
			} else {
				s.settle(outcome.GetSequence(), outcome.GetAnswer(), nil)
			}
		}
	}
}

// settle gives a batch its outcome, if somebody waits for it.
func (s *pushStream) settle(sequence int64, response *rockqueuepb.PushJobsResponse, err *Error) {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	if batch, ok := s.waiting[sequence]; ok {
		delete(s.waiting, sequence)
		batch.answer(response, err)
	}
}

// silentSince is for how long the stream has owed an answer; 0 when one has come since the given time.
func (s *pushStream) silentSince(begun time.Time) time.Duration {
	if s.asked.IsZero() || s.heard.After(begun) {
		return 0
	}
	return time.Since(s.asked)
}

// end is for a stream that has ended by itself, or with the client.
func (s *pushStream) end(cause error) {
	err := fromRPC(cause)
	switch {
	case s.owner.client.base.Err() != nil:
		err = closedError()
		err.cause = cause
	case errors.Is(cause, io.EOF):
		err = &Error{
			Code: codes.Unavailable, Message: "the server ended the stream of pushes", Metadata: map[string]string{},
		}
	}
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	s.giveUp(err)
}

// giveUp lets nothing more onto the stream, and fails what has no outcome; with the lock held.
func (s *pushStream) giveUp(err *Error) {
	s.cancel()
	if s.owner.current == s {
		s.owner.current = nil
	}
	for _, batch := range s.waiting {
		own := err.clone()
		// Whatever the status: nobody on this side knows what became of it.
		own.OutcomeUnknown = batch.written
		batch.answer(nil, own)
	}
	clear(s.waiting)
	s.unsent = nil
}
