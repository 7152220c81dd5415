package rockqueue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// connection makes logical calls: with a deadline, repeated as the contract allows, under one request id, with errors of
// this package. The first call opens a channel; one that fell silent is left for a new one.
type connection struct {
	client *Client

	mu sync.Mutex
	// current takes what begins now; retired are channels that finish what began on them.
	current *channel
	retired map[*channel]struct{}
	local   *localServer
	closed  bool
	// closings are the channels that are being closed.
	closings sync.WaitGroup
}

func newConnection(client *Client) *connection {
	return &connection{client: client, retired: make(map[*channel]struct{})}
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
	return retry(ctx, c.client.calling(path, requestID, wanted), func(ctx context.Context) error {
		over, err := c.acquire(ctx)
		if err != nil {
			return err
		}
		defer c.release(over.channel)
		begun := time.Now()
		err = c.explain(over.conn.Invoke(ctx, path, request, response, options...))
		switch known, failed := errors.AsType[*Error](err); {
		case !failed || known.FromServer:
			over.hear()
		case over.ready && errors.Is(context.Cause(ctx), errAttemptOver) && !over.heardSince(begun):
			c.retire(over.channel)
		}
		return err
	})
}

// NewStream opens a stream as it is: without a deadline, without repeats.
func (c *connection) NewStream(
	ctx context.Context, desc *grpc.StreamDesc, path string, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	over, err := c.acquire(ctx)
	if err != nil {
		return nil, err
	}
	if wanted := callOptionOf(options); wanted.over != nil {
		*wanted.over = over
	}
	release := sync.OnceFunc(func() { c.release(over.channel) })
	options = append(slices.Clip(options), grpc.OnFinish(func(error) { release() }))
	stream, err := over.conn.NewStream(ctx, desc, path, options...)
	if err != nil {
		release()
		return nil, c.explain(err)
	}
	return &channelStream{ClientStream: stream, over: over.channel}, nil
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

// acquire returns the channel for a call or a stream, made by the first one; it stays open until it is given back with
// release.
func (c *connection) acquire(ctx context.Context) (route, error) {
	address, err := c.address(ctx)
	if err != nil {
		return route{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return route{}, closedError()
	}
	if c.current == nil {
		conn, err := dial(address, c.client.config.DialOptions)
		if err != nil {
			return route{}, fmt.Errorf("rockqueue: %w", err)
		}
		c.current = &channel{conn: conn}
	}
	c.current.users++
	return route{channel: c.current, ready: c.current.isReady()}, nil
}

// address is what to dial; the server of an "embedded:" store is started before.
func (c *connection) address(ctx context.Context) (string, error) {
	where := c.client.target
	if !where.embedded {
		return where.address, nil
	}
	c.mu.Lock()
	local, closed := c.local, c.closed
	c.mu.Unlock()
	if closed {
		return "", closedError()
	}
	if local != nil {
		return local.address(), nil
	}
	// Not under the lock: a caller waits for a server that starts no longer than its own context says.
	local, err := acquireLocal(ctx, where.address, c.client.config.ServerProgram, c.client.logger)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.local != nil {
		local.release()
	} else {
		c.local = local
	}
	return local.address(), nil
}

// release is for a call or a stream that has ended.
func (c *connection) release(over *channel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	over.users--
	c.closeIfDone(over)
}

// retire is for a channel on which nothing came that should have: its TCP connection may be dead, and nobody says so.
// What begins from now on goes over a new one. What is under way may be alive, and is left alone: gRPC's keepalive ends
// it if it is not. Of several that find the same channel silent, the first retires it.
func (c *connection) retire(silent *channel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// One that is not ready makes a TCP connection anyway, or is about to.
	if silent == nil || c.current != silent || !silent.isReady() {
		return
	}
	c.client.logger.Info("nothing came from the server; making a new connection")
	c.current = nil
	c.retired[silent] = struct{}{}
	c.closeIfDone(silent)
}

// closeIfDone closes a retired channel that nobody uses; with the lock held. A dead one may take seconds to close.
func (c *connection) closeIfDone(one *channel) {
	if _, retired := c.retired[one]; retired && one.users == 0 {
		delete(c.retired, one)
		c.closings.Go(func() { _ = one.conn.Close() })
	}
}

func (c *connection) close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	current, retired := c.current, c.retired
	c.current, c.retired = nil, nil
	c.mu.Unlock()
	for one := range retired {
		c.closings.Go(func() { _ = one.conn.Close() })
	}
	var err error
	if current != nil {
		err = current.conn.Close()
	}
	c.closings.Wait()
	if c.local != nil {
		c.local.release()
	}
	if err != nil {
		return fmt.Errorf("rockqueue: closing the connection: %w", err)
	}
	return nil
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
