package shop

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

const defaultMailServer = "127.0.0.1:2525"

// QueueSettings say where the jobs are, and how patient the queue is with a worker.
type QueueSettings struct {
	// URL is "embedded:./jobs.db" for files of this process, or "rockqueue://host:port" for a server.
	URL string
	// Lease is how long a worker may be silent before its mails go to another one: 1 s or more. A worker that is alive is
	// never silent for that long: the client sends heartbeats by itself. Default: 30 s.
	Lease time.Duration
}

// Embedded tells whether the queue runs for this process alone, and so the worker does too.
func (s QueueSettings) Embedded() bool {
	return strings.HasPrefix(s.URL, "embedded:")
}

// mailServer is the address of the mail server, from the environment variable MAIL_SERVER. Default: 127.0.0.1:2525.
func mailServer() (string, error) {
	address, set := os.LookupEnv("MAIL_SERVER")
	if !set {
		return defaultMailServer, nil
	}
	if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
		return "", fmt.Errorf("MAIL_SERVER must be host:port, such as %s, not %q", defaultMailServer, address)
	}
	return address, nil
}
