package scripted

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Network is what lies between clients and a server: real connections, whose bytes it can let vanish.
type Network struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu       sync.Mutex
	links    []*link
	accepted int
	open     int
	closed   bool
}

// link is one connection through a network: two sockets.
type link struct {
	client, server net.Conn
	dead           atomic.Bool
}

// NewNetwork makes a network before a server, and ends it with the test.
func NewNetwork(tb testing.TB, server *Server) *Network {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	network := &Network{listener: listener, target: server.address}
	network.running.Go(network.accept)
	tb.Cleanup(network.close)
	return network
}

// URL is what clients behind this network are given.
func (n *Network) URL() string { return "rockqueue://" + n.listener.Addr().String() }

// Swallow makes the connections half open that there are: nothing passes any more, in either direction, and neither side
// is told of the other's end. New ones are as they should be.
func (n *Network) Swallow() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range n.links {
		one.dead.Store(true)
	}
}

// Accepted is how many connections clients have made.
func (n *Network) Accepted() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.accepted
}

// Open is how many of them clients have not closed.
func (n *Network) Open() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open
}

func (n *Network) accept() {
	for {
		client, err := n.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", n.target)
		if err != nil {
			client.Close()
			continue
		}
		n.join(&link{client: client, server: server})
	}
}

func (n *Network) join(one *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		one.client.Close()
		one.server.Close()
		return
	}
	n.accepted++
	n.open++
	n.links = append(n.links, one)
	n.running.Go(func() {
		one.pass(one.client, one.server)
		one.client.Close()
		n.mu.Lock()
		defer n.mu.Unlock()
		n.open--
		if !one.dead.Load() {
			one.server.Close()
		}
	})
	n.running.Go(func() {
		one.pass(one.server, one.client)
		if !one.dead.Load() {
			one.client.Close()
		}
	})
}

// pass carries bytes until one side ends.
func (l *link) pass(from, to net.Conn) {
	piece := make([]byte, 16<<10)
	for {
		count, err := from.Read(piece)
		if err != nil {
			return
		}
		if l.dead.Load() {
			continue
		}
		if _, err := to.Write(piece[:count]); err != nil {
			return
		}
	}
}

func (n *Network) close() {
	n.listener.Close()
	n.mu.Lock()
	n.closed = true
	for _, one := range n.links {
		one.client.Close()
		one.server.Close()
	}
	n.mu.Unlock()
	n.running.Wait()
}
