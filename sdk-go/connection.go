package rockqueue

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
	reconnectFirst   = 100 * time.Millisecond
	reconnectLongest = 5 * time.Second
	connectTimeout   = 5 * time.Second
	// channelLongest is short: calls and sessions have pauses of their own before they use the channel again.
	channelLongest = time.Second
)

// connection is a gRPC channel that is opened by the first call, and that makes logical calls: with a deadline, repeated
// as the contract allows, under one request id, with errors of this package.
type connection struct {
	client *Client
	mu     sync.Mutex
	conn   *grpc.ClientConn
	local  *localServer
	closed bool
}

func newConnection(client *Client) *connection {
	return &connection{client: client}
}

// Invoke makes a logical call.
func (c *connection) Invoke(ctx context.Context, path string, request, response any, options ...grpc.CallOption) error {
	wanted := callOptionOf(options)
	message, ok := request.(proto.Message)
	if !ok {
		return misuse("%T is not a message of the contract", request)
	}
	request, requestID := withRequestID(message)
	if size := proto.Size(message); size > messageBytes {
		return tooLarge(path, size)
	}
	call := &calling{
		method:         methodOf(path),
		requestID:      requestID,
		timeout:        c.client.config.Timeout,
		policy:         c.client.config.Retry,
		attemptTimeout: wanted.attemptTimeout,
		finalReason:    wanted.finalReason,
	}
	if wanted.timeout > 0 {
		call.timeout = wanted.timeout
	}
	if wanted.once {
		call.policy.MaxAttempts = 1
	}
	return retry(ctx, call, func(ctx context.Context) error {
		conn, err := c.open(ctx)
		if err != nil {
			return err
		}
		return c.explain(conn.Invoke(ctx, path, request, response, options...))
	})
}

// NewStream opens a stream as it is: without a deadline, without repeats.
func (c *connection) NewStream(
	ctx context.Context, desc *grpc.StreamDesc, path string, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	conn, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	stream, err := conn.NewStream(ctx, desc, path, options...)
	if err != nil {
		return nil, c.explain(err)
	}
	return stream, nil
}

// explain says that the client was closed where gRPC only says that a call was cancelled.
func (c *connection) explain(err error) error {
	if err == nil {
		return nil
	}
	known := fromRPC(err)
	if known.Code == codes.Canceled && !known.FromServer && c.isClosed() {
		closed := closedError()
		closed.cause = known
		return closed
	}
	return known
}

func (c *connection) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// open returns the channel, made by the first call; an "embedded:" store has its server started before.
func (c *connection) open(ctx context.Context) (*grpc.ClientConn, error) {
	conn, err := c.opened()
	if conn != nil || err != nil {
		return conn, err
	}
	address := c.client.target.address
	var local *localServer
	if c.client.target.embedded {
		// Not under the lock: a caller waits for a server that starts no longer than its own context says.
		local, err = acquireLocal(ctx, address, c.client.config.ServerProgram, c.client.logger)
		if err != nil {
			return nil, err
		}
		address = local.address()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.conn != nil {
		if local != nil {
			local.release()
		}
		if c.closed {
			return nil, closedError()
		}
		return c.conn, nil
	}
	if conn, err = dial(address, c.client.config.DialOptions); err != nil {
		if local != nil {
			local.release()
		}
		return nil, fmt.Errorf("rockqueue: %w", err)
	}
	c.conn, c.local = conn, local
	return conn, nil
}

func (c *connection) opened() (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, closedError()
	}
	return c.conn, nil
}

func (c *connection) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	var err error
	if c.conn != nil {
		err = c.conn.Close()
	}
	if c.local != nil {
		c.local.release()
	}
	if err != nil {
		return fmt.Errorf("rockqueue: closing the connection: %w", err)
	}
	return nil
}

// dial makes a channel with the contract's settings. gRPC's own retries are off: attempts are counted and named by retry
// alone.
func dial(address string, more []grpc.DialOption) (*grpc.ClientConn, error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUserAgent(clientName),
		grpc.WithDisableRetry(),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(messageBytes), grpc.MaxCallSendMsgSize(messageBytes),
		),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepaliveTime, Timeout: keepaliveTimeout, PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: grpcbackoff.Config{
				BaseDelay: reconnectFirst, Multiplier: 2, Jitter: 0.2, MaxDelay: channelLongest,
			},
			MinConnectTimeout: connectTimeout,
		}),
	}
	conn, err := grpc.NewClient(address, append(options, more...)...)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	return conn, nil
}

func callOptionOf(options []grpc.CallOption) callOption {
	for _, option := range options {
		if own, ok := option.(callOption); ok {
			return own
		}
	}
	return callOption{}
}

// withRequestID returns the request and its id; a request that should have one and has none is copied and given one.
func withRequestID(message proto.Message) (request proto.Message, id string) {
	named, ok := message.(interface{ GetRequestId() string })
	if !ok {
		return message, ""
	}
	if id = named.GetRequestId(); id != "" {
		return message, id
	}
	id = newRequestID()
	own := proto.Clone(message)
	field := own.ProtoReflect().Descriptor().Fields().ByName("request_id")
	own.ProtoReflect().Set(field, protoreflect.ValueOfString(id))
	return own, id
}

// newRequestID makes an id for one logical call, kept over its retries.
func newRequestID() string { return rand.Text() }

func tooLarge(path string, size int) *Error {
	name := methodOf(path).name
	return &Error{
		Code:    codes.InvalidArgument,
		Reason:  reasonLimitExceeded,
		Message: fmt.Sprintf("%s: %d bytes are over the limit of %d", name, size, messageBytes),
		Metadata: map[string]string{
			metadataField: name, "limit": strconv.Itoa(messageBytes), "actual": strconv.Itoa(size),
		},
	}
}
