package rockqueue

import (
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

const (
	defaultTimeout        = 30 * time.Second
	defaultLinger         = time.Millisecond
	defaultAttempts       = 10
	defaultInitialDelay   = 100 * time.Millisecond
	defaultMaxDelay       = 5 * time.Second
	defaultAttemptTimeout = 10 * time.Second
	defaultMaxServerDelay = 10 * time.Second
)

// Config says how a client finds its server and how it calls it. The zero value is ready to use.
type Config struct {
	// URL is "rockqueue://host:port" (port 7655 unless given), "unix:///path/to.sock", or "embedded:./jobs.db" for a
	// server that this process starts for itself (see Local). Default: the environment variable ROCKQUEUE_URL, else
	// rockqueue://localhost:7655.
	URL string

	// Timeout is how long one call may take, all its attempts together. A context that ends sooner wins. Default: 30 s.
	Timeout time.Duration

	// Retry says how failed calls are repeated. Only calls that the contract allows to repeat are, always under the same
	// request id, so that a repeat never makes a second job.
	Retry CallRetry

	// Linger is how long a single push waits for others while a batch is under way; with none under way it waits for
	// nobody. Default: 1 ms; with 256 callers that made for 12 % more pushes a second than none.
	Linger time.Duration

	// Durability is how safe a push must be before it is answered. Default: DurabilityFsync.
	Durability Durability

	// Codec turns payloads and results into bytes, and back. Default: JSON.
	Codec Codec

	// Logger is told what people should know of: lost connections, failed handlers. Default: slog.Default().
	Logger *slog.Logger

	// PushMiddleware is called around each push, the first one outermost.
	PushMiddleware []PushMiddleware

	// ServerProgram is the program that serves an "embedded:" store: a name to look for in PATH, or a path. Default:
	// "rockqueue".
	ServerProgram string

	// DialOptions are given to gRPC after the options of this package: transport credentials, stats handlers.
	DialOptions []grpc.DialOption
}

// CallRetry says how calls are repeated that found the server unavailable, overloaded or too slow. The pauses are
// multiplied by a random factor from 0.5 to 1.5.
type CallRetry struct {
	// MaxAttempts counts all attempts of a call, the first included. Default: 10. 1 switches repeats off.
	MaxAttempts int

	// InitialDelay is the pause after the first failure, doubled by each further one. Default: 100 ms.
	InitialDelay time.Duration

	// MaxDelay is the longest pause, before the random factor. Default: 5 s.
	MaxDelay time.Duration

	// AttemptTimeout is the longest that one attempt may take while the call's own time lasts. Default: 10 s.
	AttemptTimeout time.Duration

	// MaxServerDelay bounds a pause that the server asks for. Default: 10 s.
	MaxServerDelay time.Duration
}

// Durability is how safe a push is when it is answered.
type Durability string

const (
	// DurabilityFsync is on disk: it survives a power loss.
	DurabilityFsync Durability = "fsync"
	// DurabilityWAL is in the server's write-ahead log: it survives the end of the server (kill -9), not a power loss.
	DurabilityWAL Durability = "wal"
)

func (d Durability) proto() rockqueuepb.Durability {
	if d == DurabilityWAL {
		return rockqueuepb.Durability_DURABILITY_WAL
	}
	return rockqueuepb.Durability_DURABILITY_FSYNC
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	c.URL = resolveURL(c.URL)
	orDefault(&c.Timeout, defaultTimeout)
	orDefault(&c.Linger, defaultLinger)
	orDefault(&c.Durability, DurabilityFsync)
	orDefault(&c.ServerProgram, "rockqueue")
	orDefault(&c.Retry.MaxAttempts, defaultAttempts)
	orDefault(&c.Retry.InitialDelay, defaultInitialDelay)
	orDefault(&c.Retry.MaxDelay, defaultMaxDelay)
	orDefault(&c.Retry.AttemptTimeout, defaultAttemptTimeout)
	orDefault(&c.Retry.MaxServerDelay, defaultMaxServerDelay)
	if c.Codec == nil {
		c.Codec = JSONCodec{}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func (c *Config) validate() error {
	if c.Durability != DurabilityFsync && c.Durability != DurabilityWAL {
		return fmt.Errorf("Durability must be %q or %q, not %q", DurabilityFsync, DurabilityWAL, c.Durability)
	}
	for name, value := range map[string]time.Duration{
		"Timeout": c.Timeout, "Linger": c.Linger, "Retry.InitialDelay": c.Retry.InitialDelay,
		"Retry.MaxDelay": c.Retry.MaxDelay, "Retry.AttemptTimeout": c.Retry.AttemptTimeout,
		"Retry.MaxServerDelay": c.Retry.MaxServerDelay,
	} {
		if value < 0 {
			return fmt.Errorf("%s must be 0 or more, not %s", name, value)
		}
	}
	if c.Retry.MaxAttempts < 1 {
		return fmt.Errorf("Retry.MaxAttempts must be 1 or more, not %d", c.Retry.MaxAttempts)
	}
	return nil
}

func orDefault[T comparable](value *T, standard T) {
	var zero T
	if *value == zero {
		*value = standard
	}
}
