// Package serverproc runs "rockqueue serve" as a child of this process, on a Unix socket, and ends it with this process,
// in whatever way that ends.
package serverproc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 20 * time.Second
	pollEvery    = 5 * time.Millisecond
	tailBytes    = 4096
)

// Options say what to serve.
type Options struct {
	// Program is the server's program, a name in PATH or a path.
	Program string
	// Directory is the folder that holds the jobs.
	Directory string
	// Runtime is a short folder of this process's own, for socket and ready file.
	Runtime string
	// Testing also serves rockqueue.testing.v1, sends webhooks to this machine, and has a place for backups.
	Testing bool
	// Embedded tells that the handlers of the former run are gone: their jobs are ready at once.
	Embedded bool
	// Logger is told what the server logs, at debug level.
	Logger *slog.Logger
}

// Socket is where the server listens.
func (o *Options) Socket() string { return filepath.Join(o.Runtime, "rockqueue.sock") }

func (o *Options) readyFile() string { return filepath.Join(o.Runtime, "ready.json") }

// Process is a server that takes calls.
type Process struct {
	command *exec.Cmd
	exited  chan struct{}
	err     error
	tail    *tail
	owner   *owner
}

// Start starts the server, and returns when it takes calls. The errors of a server that cannot start carry what it said.
func Start(ctx context.Context, options Options) (*Process, error) {
	program, err := exec.LookPath(options.Program)
	if err != nil {
		return nil, fmt.Errorf("the program %q that serves a local store is not there (%w): in a checkout \"make setup\" "+
			"puts it into .venv/bin, elsewhere \"pip install rockqueue-server\" does; then add its folder to PATH, or name the "+
			"program in Config.ServerProgram; or use a server that runs already", options.Program, err)
	}
	for _, stale := range []string{options.Socket(), options.readyFile()} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("removing what an earlier server left: %w", err)
		}
	}
	process := &Process{exited: make(chan struct{}), tail: &tail{logger: options.Logger}}
	//nolint:noctx // Stop and Kill end it: a context would kill what should close its files
	process.command = exec.Command(program, options.arguments()...)
	process.command.Stderr = process.tail
	process.command.Env = append(os.Environ(), "ROCKQUEUE_LOG_LEVEL=info")
	started := make(chan error, 1)
	go process.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	if err := process.waitReady(ctx, options.readyFile()); err != nil {
		process.Kill()
		return nil, err
	}
	return process, nil
}

func (o *Options) arguments() []string {
	arguments := []string{
		"serve", o.Directory, "--listen", "unix:" + o.Socket(), "--metrics", "off", "--ready-file", o.readyFile(),
		// Its only clients are in this process, and have stopped their workers before they stop it.
		"--drain-grace", "0s",
	}
	if o.Testing {
		// Receivers of a test are on this machine.
		arguments = append(arguments, "--testing", "--webhook-allow", "127.0.0.0/8", "--webhook-allow", "::1/128",
			"--backup-dir", filepath.Join(o.Runtime, "backups"))
	}
	if o.Embedded {
		arguments = append(arguments, "--embedded")
	}
	return arguments
}

// run starts the process and reaps it. On one thread: Linux tells a child of its parent's death when the thread ends
// that started it.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own(p.command)
	if err := p.command.Start(); err != nil {
		started <- fmt.Errorf("starting the server: %w", err)
		return
	}
	var err error
	if p.owner, err = watch(p.command.Process.Pid); err != nil {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
		started <- err
		return
	}
	started <- nil
	p.err = p.command.Wait()
	p.owner.end()
	close(p.exited)
}

func (p *Process) waitReady(ctx context.Context, ready string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if _, err := os.Stat(ready); err == nil {
			return nil
		}
		select {
		case <-poll.C:
		case <-p.exited:
			return fmt.Errorf("the server ended before it was ready (%w): %s", p.exit(), p.tail.message())
		case <-ctx.Done():
			return fmt.Errorf("the server was not ready in time: %w", context.Cause(ctx))
		}
	}
}

func (p *Process) exit() error {
	if p.err == nil {
		return errors.New("exit status 0")
	}
	return p.err
}

// PID is the number of the process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Stop ends the server in good order, and by force when that takes too long. It returns when the process is gone.
func (p *Process) Stop() {
	if p.command.Process.Signal(os.Interrupt) == nil {
		timer := time.NewTimer(stopTimeout)
		defer timer.Stop()
		select {
		case <-p.exited:
			return
		case <-timer.C:
		}
	}
	p.Kill()
}

// Kill ends the server at once, as kill -9 does, and returns when the process is gone.
func (p *Process) Kill() {
	_ = p.command.Process.Kill()
	<-p.exited
}

// tail hands the server's log on, line by line, and keeps the end of it for an error message.
type tail struct {
	logger *slog.Logger
	mu     sync.Mutex
	kept   []byte
}

func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, data...)
	if over := len(t.kept) - tailBytes; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	for line := range strings.Lines(string(data)) {
		t.logger.Debug("rockqueue serve", "log", strings.TrimSpace(line))
	}
	return len(data), nil
}

func (t *tail) message() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.TrimSpace(string(t.kept)); text != "" {
		return text
	}
	return "it said nothing"
}
