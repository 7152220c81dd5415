package rockqueue_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/serverproc"
)

// testTime bounds every wait; it is long because the machine may be busy with other things.
const testTime = 60 * time.Second

// TestMain runs a server for the examples, and looks for goroutines that outlive the tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == holdLocal {
		holdLocalStore()
		return
	}
	folder, err := os.MkdirTemp("", "rq-")
	if err != nil {
		panic(err)
	}
	useServerOfCheckout()
	server, err := serverproc.Start(context.Background(), serverproc.Options{
		Program: "rockqueue", Directory: filepath.Join(folder, "jobs.db"), Runtime: folder,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("ROCKQUEUE_URL", "unix://"+folder+"/rockqueue.sock")
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent(), goleak.Cleanup(func(code int) {
		server.Stop()
		os.RemoveAll(folder)
		os.Exit(code)
	}))
}

// useServerOfCheckout puts the server of this checkout first in PATH, where it is.
func useServerOfCheckout() {
	programs, err := filepath.Abs("../.venv/bin")
	if err != nil {
		return
	}
	if _, err := os.Stat(filepath.Join(programs, "rockqueue")); err == nil {
		os.Setenv("PATH", programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
}

// within is a context for a whole test.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	t.Cleanup(cancel)
	return ctx
}

// patient waits for a server that is started again, and finds it soon.
var patient = rockqueue.CallRetry{MaxAttempts: 1000, MaxDelay: 100 * time.Millisecond}

// quick has pauses that a test can wait for.
var quick = rockqueue.CallRetry{InitialDelay: time.Millisecond, MaxDelay: 20 * time.Millisecond}

func clientOf(t *testing.T, server interface{ URL() string }, config rockqueue.Config) *rockqueue.Client {
	t.Helper()
	config.URL = server.URL()
	if config.Retry == (rockqueue.CallRetry{}) {
		config.Retry = quick
	}
	config.Logger = slog.New(slog.DiscardHandler)
	client, err := rockqueue.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// sharedClient talks to the real server that all tests share; give each test a queue of its own.
func sharedClient(t *testing.T, config rockqueue.Config) *rockqueue.Client {
	t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	client, err := rockqueue.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func named(name string, payload any) rockqueue.NamedArgs {
	return rockqueue.NamedArgs{Name: name, Payload: payload}
}

var queueNumber atomic.Int64

// newQueue is a queue that no other test, and no earlier run of this one, has used.
func newQueue(name string) string { return fmt.Sprintf("%s-%d", name, queueNumber.Add(1)) }

func in(queue string) *rockqueue.PushOptions { return &rockqueue.PushOptions{Queue: queue} }

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("expected no error, got %v", err)
	}
}

func equal[T comparable](t *testing.T, got, wanted T, what string) {
	t.Helper()
	if got != wanted {
		t.Fatalf("%s: expected %v, got %v", what, wanted, got)
	}
}

// receive takes what a channel holds, and does not wait for ever.
func receive[T any](t *testing.T, channel <-chan T) T {
	t.Helper()
	select {
	case value := <-channel:
		return value
	case <-time.After(testTime):
		t.Fatal("nothing came through the channel")
		panic("unreachable")
	}
}
