package rockqueue

import (
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
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

// channel is a gRPC channel: one TCP connection at a time, for all that began on it.
type channel struct {
	conn *grpc.ClientConn
	// users are the calls and streams under way; guarded by the connection's lock.
	users int
	// heard is when the server last said something, in Unix nanoseconds.
	heard atomic.Int64
}

func (c *channel) isReady() bool { return c.conn.GetState() == connectivity.Ready }

func (c *channel) hear() { c.heard.Store(time.Now().UnixNano()) }

func (c *channel) heardSince(moment time.Time) bool { return c.heard.Load() >= moment.UnixNano() }

// route is what a call or a stream takes.
type route struct {
	*channel

	// ready is false for what waits for the connection to be made: its time says nothing about the server's silence.
	ready bool
}

// channelStream notes when something comes.
type channelStream struct {
	grpc.ClientStream

	over *channel
}

func (s *channelStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil {
		s.over.hear()
	}
	return err
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
