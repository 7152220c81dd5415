package rockqueuetest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/hooks"
	"github.com/rockqueue/rockqueue/sdk-go/internal/serverproc"
	"github.com/rockqueue/rockqueue/sdk-go/internal/testingpb"
)

const callTimeout = 30 * time.Second

// Server is a server of a test's own. Its clock runs by the wall clock until it is first advanced or frozen; from then on
// it moves by Advance alone. Leases and timeouts follow it too: a job that runs while the clock is turned past its lease
// is delivered again. It sends webhooks to receivers on this machine, and has a place for backups.
type Server struct {
	tb      testing.TB
	options serverproc.Options
	conn    *grpc.ClientConn
	clock   testingpb.ClockServiceClient
	store   testingpb.StoreServiceClient

	mu      sync.Mutex
	process *serverproc.Process
	clients []*rockqueue.Client
}

// NewServer starts a server on files of its own, and stops it with the test. The program "rockqueue" must be in PATH.
func NewServer(tb testing.TB) *Server {
	tb.Helper()
	// Not tb.TempDir: the name of a Unix socket has little room.
	folder, err := os.MkdirTemp("", "rockqueue-") //nolint:usetesting // see above
	if err != nil {
		tb.Fatalf("rockqueuetest: %v", err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(folder) })
	server := &Server{tb: tb, options: serverproc.Options{
		Program: "rockqueue", Directory: filepath.Join(folder, "jobs.db"), Runtime: folder, Testing: true,
		Logger: slog.New(slog.DiscardHandler),
	}}
	server.Start()
	tb.Cleanup(server.Stop)
	server.conn, err = grpc.NewClient("unix:"+server.options.Socket(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		tb.Fatalf("rockqueuetest: %v", err)
	}
	tb.Cleanup(func() { _ = server.conn.Close() })
	server.clock = testingpb.NewClockServiceClient(server.conn)
	server.store = testingpb.NewStoreServiceClient(server.conn)
	return server
}

// URL is what clients of this server are given.
func (s *Server) URL() string { return "unix://" + s.options.Socket() }

// Client makes a client of this server, and closes it with the test. The config's URL is set.
func (s *Server) Client(config rockqueue.Config) *rockqueue.Client {
	s.tb.Helper()
	config.URL = s.URL()
	client, err := rockqueue.NewClient(config)
	if err != nil {
		s.tb.Fatalf("rockqueuetest: %v", err)
	}
	s.tb.Cleanup(func() { _ = client.Close() })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = append(s.clients, client)
	return client
}

// Advance turns the clock forward, and returns its time once all that became due is done and on disk. The clock stands
// still from then on.
func (s *Server) Advance(by time.Duration) time.Time {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	response, err := s.clock.AdvanceClock(ctx, &testingpb.AdvanceClockRequest{By: durationpb.New(by)})
	if err != nil {
		s.tb.Fatalf("rockqueuetest: advancing the clock: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, client := range s.clients {
		// By the virtual clock its workers have said nothing for long, and a server sends no jobs to workers that hang.
		hooks.Beat(client)
	}
	return response.GetNow().AsTime()
}

// Freeze stops the clock, and returns its time.
func (s *Server) Freeze() time.Time {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	response, err := s.clock.FreezeClock(ctx, &testingpb.FreezeClockRequest{})
	if err != nil {
		s.tb.Fatalf("rockqueuetest: freezing the clock: %v", err)
	}
	return response.GetNow().AsTime()
}

// Now is the clock's time.
func (s *Server) Now() time.Time {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	response, err := s.clock.GetClock(ctx, &testingpb.GetClockRequest{})
	if err != nil {
		s.tb.Fatalf("rockqueuetest: reading the clock: %v", err)
	}
	return response.GetNow().AsTime()
}

// Problems compares the counters, indexes and records of the whole store, and returns what does not agree.
func (s *Server) Problems() []string {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	response, err := s.store.VerifyStore(ctx, &testingpb.VerifyStoreRequest{})
	if err != nil {
		s.tb.Fatalf("rockqueuetest: verifying the store: %v", err)
	}
	return response.GetProblems()
}

// Kill ends the server as kill -9 does. Start starts it again, on the same files and the same socket.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.Kill()
		s.process = nil
	}
}

// Stop ends the server in good order; twice is fine.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.Stop()
		s.process = nil
	}
}

// Start starts a server that was killed or stopped; one that runs is left alone.
func (s *Server) Start() {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	process, err := serverproc.Start(ctx, s.options)
	if err != nil {
		s.tb.Fatalf("rockqueuetest: %v", err)
	}
	s.process = process
}
