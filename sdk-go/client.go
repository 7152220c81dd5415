package rockqueue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/rockqueue/rockqueue/sdk-go/internal/hooks"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// Client talks to RockQueue. It is safe for concurrent use; one client serves a whole program.
//
//	client, err := rockqueue.NewClient(rockqueue.Config{})
//	if err != nil { ... }
//	defer client.Close()
//	pushed, err := client.Push(ctx, WelcomeEmail{To: "ada@example.com"}, nil)
type Client struct {
	config Config
	target target
	logger *slog.Logger

	raw       *connection
	jobs      rockqueuepb.JobServiceClient
	queues    rockqueuepb.QueueServiceClient
	events    rockqueuepb.EventServiceClient
	work      rockqueuepb.WorkServiceClient
	server    rockqueuepb.ServerServiceClient
	schedules rockqueuepb.ScheduleServiceClient
	flows     rockqueuepb.FlowServiceClient
	webhooks  rockqueuepb.WebhookServiceClient
	limits    limitsCache
	pushes    *pushStreams
	batcher   *pushBatcher

	// base ends when the client is closed: batches under way, the stream of pushes and event streams end with it.
	base      context.Context
	end       context.CancelCauseFunc
	closing   atomic.Bool
	closeOnce sync.Once
	closeErr  error

	sessionsMu sync.Mutex
	sessions   map[*session]struct{}
}

// NewClient makes a client. It does no I/O: the first call connects, or Connect.
func NewClient(config Config) (*Client, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, misuse("config: %w", err)
	}
	where, err := parseURL(config.URL)
	if err != nil {
		return nil, misuse("config: URL: %w", err)
	}
	client := &Client{config: config, target: where, logger: config.Logger, sessions: make(map[*session]struct{})}
	client.base, client.end = context.WithCancelCause(context.Background())
	client.raw = newConnection(client)
	client.jobs = rockqueuepb.NewJobServiceClient(client.raw)
	client.queues = rockqueuepb.NewQueueServiceClient(client.raw)
	client.events = rockqueuepb.NewEventServiceClient(client.raw)
	client.work = rockqueuepb.NewWorkServiceClient(client.raw)
	client.server = rockqueuepb.NewServerServiceClient(client.raw)
	client.schedules = rockqueuepb.NewScheduleServiceClient(client.raw)
	client.flows = rockqueuepb.NewFlowServiceClient(client.raw)
	client.webhooks = rockqueuepb.NewWebhookServiceClient(client.raw)
	client.pushes = newPushStreams(client)
	client.batcher = newPushBatcher(client)
	return client, nil
}

// Local makes a client for a store of this program's own: "rockqueue serve" runs on a Unix socket as a child of this
// process, for all its clients of that folder, and ends with the last of them or with this process, also when that is
// killed. It starts with the first call, or with Connect. The files are those of a server: when one process is no longer
// enough, serve the folder and give NewClient its URL. To set more, use NewClient with the URL "embedded:./jobs.db".
func Local(dir string) (*Client, error) {
	return NewClient(Config{URL: "embedded:" + dir})
}

// URL returns what the client was told to talk to.
func (c *Client) URL() string { return c.config.URL }

// Raw is the connection for the stubs of package rockqueuepb: messages in, messages out, with the deadlines, the retries
// and the errors of this client. A mutating request without a request_id is given one.
func (c *Client) Raw() grpc.ClientConnInterface { return c.raw }

// Connect starts the server of an "embedded:" store, and asks the server for its limits. Calls do by themselves what they
// need; Connect is for programs that want to know early.
func (c *Client) Connect(ctx context.Context) error {
	_, err := c.ServerInfo(ctx)
	return err
}

// Close waits for pushes under way, at most for Config.Timeout, then disconnects. Other calls under way fail with
// ErrClientClosed. Stop workers first. Closing twice is fine.
func (c *Client) Close() error {
	c.closeOnce.Do(func() {
		c.closing.Store(true)
		c.batcher.finish(c.config.Timeout)
		c.end(ErrClientClosed)
		c.pushes.close()
		c.closeErr = c.raw.close()
	})
	return c.closeErr
}

func (c *Client) checkOpen() error {
	if c.closing.Load() {
		return closedError()
	}
	return nil
}

func (c *Client) track(one *session) {
	c.sessionsMu.Lock()
	defer c.sessionsMu.Unlock()
	c.sessions[one] = struct{}{}
}

func (c *Client) untrack(one *session) {
	c.sessionsMu.Lock()
	defer c.sessionsMu.Unlock()
	delete(c.sessions, one)
}

// beat lets all worker sessions of the client send a heartbeat now.
func (c *Client) beat() {
	c.sessionsMu.Lock()
	defer c.sessionsMu.Unlock()
	for one := range c.sessions {
		one.beat()
	}
}

//nolint:gochecknoinits // how rockqueuetest reaches what is not for everybody
func init() {
	hooks.Beat = func(client any) {
		if own, ok := client.(*Client); ok {
			own.beat()
		}
	}
}

type contextKey struct{}

// ContextWithClient returns a context that carries a client: for handlers of a web server, say.
func ContextWithClient(ctx context.Context, client *Client) context.Context {
	return context.WithValue(ctx, contextKey{}, client)
}

// ClientFromContext returns the client that a context carries. The contexts of job handlers carry that of their worker.
func ClientFromContext(ctx context.Context) (*Client, bool) {
	client, ok := ctx.Value(contextKey{}).(*Client)
	return client, ok
}

// limitsCache asks a server for its limits once.
type limitsCache struct {
	mu    sync.Mutex
	known *rockqueuepb.Limits
}

const (
	limitsTimeout = 5 * time.Second
	messageBytes  = 5 << 20
)

// defaultLimits are the contract's, for servers that do not say.
func defaultLimits() *rockqueuepb.Limits {
	return &rockqueuepb.Limits{PayloadBytes: 1 << 20, BatchEntries: 1000, BatchBytes: 4 << 20, Credits: 10_000}
}

// serverLimits returns the limits to cut batches by. Who cannot ask now takes the contract's, and asks again later.
func (c *Client) serverLimits(ctx context.Context) *rockqueuepb.Limits {
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	if c.limits.known != nil {
		return c.limits.known
	}
	once := callOption{timeout: limitsTimeout, once: true}
	info, err := c.server.GetServerInfo(ctx, &rockqueuepb.GetServerInfoRequest{}, once)
	limits := defaultLimits()
	if err != nil {
		if errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return limits
		}
	}
	orSaid(&limits.BatchEntries, info.GetLimits().GetBatchEntries())
	orSaid(&limits.BatchBytes, info.GetLimits().GetBatchBytes())
	orSaid(&limits.PayloadBytes, info.GetLimits().GetPayloadBytes())
	orSaid(&limits.Credits, info.GetLimits().GetCredits())
	c.limits.known = limits
	return limits
}

func orSaid[T int32 | int64](limit *T, said T) {
	if said > 0 {
		*limit = said
	}
}
