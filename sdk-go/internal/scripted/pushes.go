package scripted

import (
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// PushScript plays the server's side of one stream of pushes; the error that it returns ends the stream.
type PushScript func(talk *PushTalk) error

// pushStream is the server's side of a stream of pushes.
type pushStream = rockqueuepb.JobService_StreamPushesServer

// PlayPushes plays scripts, one for each stream of pushes. On streams after the last, each batch is answered as a call of
// PushJobs is.
func (s *Server) PlayPushes(scripts ...PushScript) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playing.Add(len(scripts))
	s.pushScripts = append(s.pushScripts, scripts...)
}

// PushStreams is how many streams of pushes were opened.
func (s *Server) PushStreams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pushStreams
}

// StreamPushes plays the next script.
func (s *Server) StreamPushes(stream pushStream) error {
	s.mu.Lock()
	s.pushStreams++
	var script PushScript
	if len(s.pushScripts) > 0 {
		script, s.pushScripts = s.pushScripts[0], s.pushScripts[1:]
	}
	s.arrived()
	s.mu.Unlock()
	talk := &PushTalk{server: s, stream: stream}
	if script == nil {
		return talk.answerAll()
	}
	defer s.playing.Done()
	err := script(talk)
	if failure, ok := err.(*failure); ok {
		s.tb.Errorf("script: %v", failure)
	}
	return err
}

// PushTalk is one stream of pushes as its script sees it.
type PushTalk struct {
	server *Server
	stream pushStream
	mu     sync.Mutex
}

// answerAll answers each batch for itself, as the next answer to PushJobs says.
func (t *PushTalk) answerAll() error {
	var answering sync.WaitGroup
	defer answering.Wait()
	for {
		message, err := t.stream.Recv()
		if err != nil {
			return nil
		}
		answer := t.server.take(Call{Method: "PushJobs", Request: message.GetBatch()})
		answering.Go(func() {
			response, err := answer(t.stream.Context(), message.GetBatch())
			if pushed, ok := response.(*rockqueuepb.PushJobsResponse); ok && err == nil {
				t.Say(&rockqueuepb.PushOutcome{Sequence: message.GetSequence(), Answer: pushed})
			} else {
				t.Refuse(message, err)
			}
		})
	}
}

// HasDeadline tells whether the stream has one.
func (t *PushTalk) HasDeadline() bool {
	_, has := t.stream.Context().Deadline()
	return has
}

// Next is the next batch; an error that ends the script when none comes.
func (t *PushTalk) Next() (*rockqueuepb.StreamPushesRequest, error) {
	type received struct {
		message *rockqueuepb.StreamPushesRequest
		err     error
	}
	came := make(chan received, 1)
	go func() {
		message, err := t.stream.Recv()
		came <- received{message, err}
	}()
	select {
	case one := <-came:
		if one.err != nil {
			return nil, fail("expected a batch, got %v", one.err)
		}
		t.server.record(Call{Method: "PushJobs", Request: one.message.GetBatch()})
		return one.message, nil
	case <-time.After(waitTime):
		return nil, fail("no batch came")
	}
}

// Several are the next batches.
func (t *PushTalk) Several(count int) ([]*rockqueuepb.StreamPushesRequest, error) {
	batches := make([]*rockqueuepb.StreamPushesRequest, 0, count)
	for range count {
		batch, err := t.Next()
		if err != nil {
			return nil, err
		}
		batches = append(batches, batch)
	}
	return batches, nil
}

// Store answers batches with ids that tell the payloads, all in one message.
func (t *PushTalk) Store(batches ...*rockqueuepb.StreamPushesRequest) {
	outcomes := make([]*rockqueuepb.PushOutcome, len(batches))
	for index, batch := range batches {
		outcomes[index] = &rockqueuepb.PushOutcome{Sequence: batch.GetSequence(), Answer: pushed(batch.GetBatch())}
	}
	t.Say(outcomes...)
}

// Refuse answers a batch with what the status of a call would be.
func (t *PushTalk) Refuse(batch *rockqueuepb.StreamPushesRequest, err error) {
	t.Say(&rockqueuepb.PushOutcome{Sequence: batch.GetSequence(), Failure: entryOf(status.Convert(err))})
}

// Say sends outcomes as they are.
func (t *PushTalk) Say(outcomes ...*rockqueuepb.PushOutcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// A client that has gone does not hear it.
	_ = t.stream.Send(&rockqueuepb.StreamPushesResponse{Outcomes: outcomes})
}

// Until waits for something that the test says.
func (t *PushTalk) Until(happened <-chan struct{}) error {
	select {
	case <-happened:
		return nil
	case <-time.After(waitTime):
		return fail("waited in vain")
	}
}

// Gone waits until the client has broken the stream off.
func (t *PushTalk) Gone() error { return t.Until(t.stream.Context().Done()) }

// entryOf is a status as the entry of a batch has it.
func entryOf(refused *status.Status) *rockqueuepb.EntryStatus {
	entry := &rockqueuepb.EntryStatus{Code: refused.Proto().GetCode(), Message: refused.Message()}
	for _, detail := range refused.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			entry.Reason, entry.Metadata = detail.GetReason(), detail.GetMetadata()
		case *errdetails.RetryInfo:
			entry.RetryDelay = detail.GetRetryDelay()
		case *errdetails.BadRequest:
			for _, one := range detail.GetFieldViolations() {
				entry.Violations = append(entry.Violations, &rockqueuepb.FieldViolation{
					Field: one.GetField(), Description: one.GetDescription(),
				})
			}
		}
	}
	return entry
}
