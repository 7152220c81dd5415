package rockqueue

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rockqueue/rockqueue/sdk-go/internal/serverproc"
)

// localServer is the server of an "embedded:" store: one for all clients in this process, started by the first and
// stopped by the last. When it dies it is started again.
type localServer struct {
	folder  string
	options serverproc.Options

	ready chan struct{}
	err   error
	// cancel ends the start, or the watch over the running server.
	cancel context.CancelFunc
	gone   chan struct{}
	users  int
}

// localServers are those of this process: a folder can be held by one server only.
var localServers = struct {
	mu     sync.Mutex
	byPath map[string]*localServer
}{byPath: make(map[string]*localServer)}

// acquireLocal returns the server of a folder once it takes calls, started if need be. Give it back with release.
func acquireLocal(ctx context.Context, folder, program string, logger *slog.Logger) (*localServer, error) {
	path, err := filepath.Abs(folder)
	if err != nil {
		return nil, localError(err)
	}
	server, before := joinLocal(path, program, logger)
	for ; before != nil; server, before = joinLocal(path, program, logger) {
		select {
		case <-before:
		case <-ctx.Done():
			return nil, fromContext(ctx, "the local server of this folder is still stopping")
		}
	}
	select {
	case <-server.ready:
		err = server.err
	case <-ctx.Done():
		err = fromContext(ctx, "the local server has not started yet")
	}
	if err != nil {
		server.release()
		return nil, err
	}
	return server, nil
}

// joinLocal counts one more user of a folder's server, or returns what to wait for when it is stopping.
func joinLocal(path, program string, logger *slog.Logger) (server *localServer, before <-chan struct{}) {
	localServers.mu.Lock()
	defer localServers.mu.Unlock()
	server = localServers.byPath[path]
	if server != nil && server.users == 0 {
		return nil, server.gone
	}
	if server == nil {
		server = startLocal(path, program, logger)
		localServers.byPath[path] = server
	}
	server.users++
	return server, nil
}

func startLocal(path, program string, logger *slog.Logger) *localServer {
	ctx, cancel := context.WithCancel(context.Background())
	server := &localServer{folder: path, ready: make(chan struct{}), cancel: cancel, gone: make(chan struct{})}
	server.options = serverproc.Options{Program: program, Directory: path, Logger: logger}
	go server.run(ctx)
	return server
}

func (s *localServer) address() string { return "unix:" + s.options.Socket() }

// release gives the server up; the last one to do so waits until it is stopped.
func (s *localServer) release() {
	localServers.mu.Lock()
	s.users--
	last := s.users == 0
	localServers.mu.Unlock()
	if last {
		s.cancel()
		<-s.gone
	}
}

func (s *localServer) run(ctx context.Context) {
	defer s.forget()
	folder, err := os.MkdirTemp("", "rockqueue-")
	if err != nil {
		s.fail(localError(err))
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	s.options.Runtime = folder
	s.options.Embedded = true
	process, err := serverproc.Start(ctx, s.options)
	if err != nil {
		s.fail(localError(err))
		return
	}
	// From here on handlers of this program run, which a new server has to wait for.
	s.options.Embedded = false
	close(s.ready)
	for process != nil {
		select {
		case <-ctx.Done():
			process.Stop()
			return
		case <-process.Exited():
			s.options.Logger.Warn("the local server ended unexpectedly; starting it again", "folder", s.folder)
			process = s.startAgain(ctx)
		}
	}
}

// startAgain tries until the server runs; nil when it is no longer wanted.
func (s *localServer) startAgain(ctx context.Context) *serverproc.Process {
	for failures := 1; ; failures++ {
		process, err := serverproc.Start(ctx, s.options)
		if err == nil {
			return process
		}
		if ctx.Err() != nil {
			return nil
		}
		s.options.Logger.Error("the local server cannot be started again", "folder", s.folder, "error", err)
		if !sleep(ctx, backoff(failures, 100*time.Millisecond, reconnectLongest, spread())) {
			return nil
		}
	}
}

// forget lets the next caller start a server anew.
func (s *localServer) forget() {
	localServers.mu.Lock()
	delete(localServers.byPath, s.folder)
	localServers.mu.Unlock()
	close(s.gone)
}

// fail tells who waits.
func (s *localServer) fail(err error) {
	s.err = err
	close(s.ready)
}

func localError(cause error) *Error {
	return &Error{
		Code:     codes.FailedPrecondition,
		Reason:   reasonLocalServer,
		Message:  fmt.Sprintf("the local server cannot be started: %v", cause),
		Metadata: map[string]string{},
		cause:    cause,
	}
}
