// Package scripted is a gRPC server on a real socket that answers as a test tells it, and records what it was sent.
package scripted

import (
	"context"
	"fmt"
	"net"
	"path"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// waitTime bounds every wait of a script.
const waitTime = 10 * time.Second

// Call is one attempt of a call as it arrived, or a batch on a stream of pushes, which is PushJobs, too. Deadline is the
// time that its deadline left, 0 without one.
type Call struct {
	Method   string
	Request  proto.Message
	Deadline time.Duration
}

// Answer answers one attempt.
type Answer func(ctx context.Context, request proto.Message) (proto.Message, error)

// Watch is one event stream.
type Watch func(request *rockqueuepb.WatchEventsRequest, send func(*rockqueuepb.WatchEventsResponse) error) error

// Script plays the server's side of one Work stream; the error that it returns ends the stream.
type Script func(talk *Talk) error

// Server answers each method from a list; a Work stream plays the next script, an event stream the next watch, a stream of
// pushes the next of its scripts.
type Server struct {
	rockqueuepb.UnimplementedJobServiceServer
	rockqueuepb.UnimplementedQueueServiceServer
	rockqueuepb.UnimplementedServerServiceServer
	rockqueuepb.UnimplementedWorkServiceServer
	rockqueuepb.UnimplementedEventServiceServer
	rockqueuepb.UnimplementedScheduleServiceServer
	rockqueuepb.UnimplementedFlowServiceServer
	rockqueuepb.UnimplementedWebhookServiceServer

	tb      testing.TB
	address string
	grpc    *grpc.Server

	mu          sync.Mutex
	calls       []Call
	answers     map[string][]Answer
	scripts     []Script
	watches     []Watch
	streams     int
	pushScripts []PushScript
	pushStreams int
	changed     chan struct{}
	// playing are the scripts that have not ended.
	playing sync.WaitGroup
}

// New starts a server, and ends it with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &Server{
		tb: tb, address: listener.Addr().String(), answers: make(map[string][]Answer), changed: make(chan struct{}),
	}
	server.Answer("GetServerInfo", Reply(&rockqueuepb.GetServerInfoResponse{Version: "0"}))
	server.grpc = grpc.NewServer(grpc.UnaryInterceptor(server.unary))
	rockqueuepb.RegisterJobServiceServer(server.grpc, server)
	rockqueuepb.RegisterQueueServiceServer(server.grpc, server)
	rockqueuepb.RegisterServerServiceServer(server.grpc, server)
	rockqueuepb.RegisterWorkServiceServer(server.grpc, server)
	rockqueuepb.RegisterEventServiceServer(server.grpc, server)
	rockqueuepb.RegisterScheduleServiceServer(server.grpc, server)
	rockqueuepb.RegisterFlowServiceServer(server.grpc, server)
	rockqueuepb.RegisterWebhookServiceServer(server.grpc, server)
	served := make(chan error, 1)
	go func() { served <- server.grpc.Serve(listener) }()
	tb.Cleanup(func() {
		server.grpc.Stop()
		<-served
	})
	return server
}

// URL is what clients of this server are given.
func (s *Server) URL() string { return "rockqueue://" + s.address }

// Answer tells what to answer to a method, in turn; the last answer is repeated.
func (s *Server) Answer(method string, answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[method] = answers
}

// Play plays scripts, one for each Work stream.
func (s *Server) Play(scripts ...Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playing.Add(len(scripts))
	s.scripts = append(s.scripts, scripts...)
}

// WaitPlayed waits until every script has ended.
func (s *Server) WaitPlayed() {
	s.tb.Helper()
	done := make(chan struct{})
	go func() {
		s.playing.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(waitTime):
		s.tb.Fatal("a script has not ended")
	}
}

// Watch serves event streams, one after the other; those after the last are UNAVAILABLE.
func (s *Server) Watch(watches ...Watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watches = append(s.watches, watches...)
}

// Calls are the attempts at a method so far.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Call
	for _, call := range s.calls {
		if call.Method == method {
			found = append(found, call)
		}
	}
	return found
}

// Pushes are the requests of PushJobs so far, those on streams of pushes included.
func (s *Server) Pushes() []*rockqueuepb.PushJobsRequest {
	var found []*rockqueuepb.PushJobsRequest
	for _, call := range s.Calls("PushJobs") {
		if request, ok := call.Request.(*rockqueuepb.PushJobsRequest); ok {
			found = append(found, request)
		}
	}
	return found
}

// Streams counts the Work streams so far.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams
}

// Until waits until something holds; it is asked again whenever something arrives.
func (s *Server) Until(what string, holds func() bool) {
	s.tb.Helper()
	limit := time.After(waitTime)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-limit:
			s.tb.Fatalf("waited in vain until %s", what)
		}
	}
}

// arrived wakes those who wait; with the lock held.
func (s *Server) arrived() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) unary(
	ctx context.Context, request any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler,
) (any, error) {
	message, ok := request.(proto.Message)
	if !ok {
		return nil, status.Errorf(codes.Internal, "%T is no message", request)
	}
	call := Call{Method: path.Base(info.FullMethod), Request: message}
	if deadline, ok := ctx.Deadline(); ok {
		call.Deadline = time.Until(deadline)
	}
	return s.take(call)(ctx, message)
}

// take records an attempt, and returns the answer to it.
func (s *Server) take(call Call) Answer {
	s.record(call)
	s.mu.Lock()
	defer s.mu.Unlock()
	answers := s.answers[call.Method]
	if len(answers) == 0 {
		return func(context.Context, proto.Message) (proto.Message, error) {
			return nil, status.Errorf(codes.Unimplemented, "no answer to %s was scripted", call.Method)
		}
	}
	if len(answers) > 1 {
		s.answers[call.Method] = answers[1:]
	}
	return answers[0]
}

func (s *Server) record(call Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
	s.arrived()
}

// Work plays the next script.
func (s *Server) Work(stream rockqueuepb.WorkService_WorkServer) error {
	s.mu.Lock()
	s.streams++
	var script Script
	if len(s.scripts) > 0 {
		script, s.scripts = s.scripts[0], s.scripts[1:]
	}
	s.arrived()
	s.mu.Unlock()
	if script == nil {
		return Refusal(codes.Unavailable, "SHUTTING_DOWN", nil)
	}
	defer s.playing.Done()
	talk := newTalk(s, stream)
	err := script(talk)
	if failure, ok := err.(*failure); ok {
		s.tb.Errorf("script: %v", failure)
	}
	return err
}

// WatchEvents serves the next watch.
func (s *Server) WatchEvents(
	request *rockqueuepb.WatchEventsRequest, stream rockqueuepb.EventService_WatchEventsServer,
) error {
	s.mu.Lock()
	s.calls = append(s.calls, Call{Method: "WatchEvents", Request: request})
	var watch Watch
	if len(s.watches) > 0 {
		watch, s.watches = s.watches[0], s.watches[1:]
	}
	s.arrived()
	s.mu.Unlock()
	if watch == nil {
		return Refusal(codes.Unavailable, "SHUTTING_DOWN", nil)
	}
	if err := watch(request, stream.Send); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

// Reply answers with a message.
func Reply(message proto.Message) Answer {
	return func(context.Context, proto.Message) (proto.Message, error) { return message, nil }
}

// Refuse answers with a status.
func Refuse(code codes.Code, reason string, metadata map[string]string, more ...proto.Message) Answer {
	return func(context.Context, proto.Message) (proto.Message, error) {
		return nil, Refusal(code, reason, metadata, more...)
	}
}

// Silent does not answer: the reply is lost.
func Silent(ctx context.Context, _ proto.Message) (proto.Message, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

// Pushed answers a push with ids that tell the payloads.
func Pushed(_ context.Context, request proto.Message) (proto.Message, error) {
	push, ok := request.(*rockqueuepb.PushJobsRequest)
	if !ok {
		return nil, fmt.Errorf("%T is no push", request)
	}
	return pushed(push), nil
}

func pushed(request *rockqueuepb.PushJobsRequest) *rockqueuepb.PushJobsResponse {
	response := &rockqueuepb.PushJobsResponse{}
	for _, spec := range request.GetJobs() {
		response.Jobs = append(response.Jobs, &rockqueuepb.PushedJob{JobId: "id-" + string(spec.GetPayload())})
	}
	return response
}

// Refusal is a status in the contract's form, or a bare one without a reason.
func Refusal(code codes.Code, reason string, metadata map[string]string, more ...proto.Message) error {
	made := status.New(code, "scripted")
	var details []protoadapt.MessageV1
	if reason != "" {
		info := &errdetails.ErrorInfo{Reason: reason, Domain: "rockqueue", Metadata: metadata}
		details = append(details, protoadapt.MessageV1Of(info))
	}
	for _, one := range more {
		details = append(details, protoadapt.MessageV1Of(one))
	}
	if len(details) > 0 {
		if with, err := made.WithDetails(details...); err == nil {
			made = with
		}
	}
	return made.Err()
}

// RetryIn is the RetryInfo of a refusal.
func RetryIn(delay time.Duration) proto.Message {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
}
