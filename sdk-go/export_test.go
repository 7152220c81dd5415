package rockqueue

import (
	"testing"
	"time"
)

// WaitingPushes is how many single pushes wait to travel: tests from outside see no other way.
func (c *Client) WaitingPushes() int {
	c.batcher.mu.Lock()
	defer c.batcher.mu.Unlock()
	return len(c.batcher.queue)
}

// WaitUntil looks again and again: for what nobody tells of.
func WaitUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(time.Minute)
	for !holds() {
		select {
		case <-limit:
			t.Fatalf("waited in vain until %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}
