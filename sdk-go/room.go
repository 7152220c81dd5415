package rockqueue

import (
	"container/list"
	"context"
	"sync"
)

const (
	roomJobs  = 10_000
	roomBytes = 16 << 20
)

// bufferRoom bounds what waits to be pushed: who finds no room waits in line, first come, first served.
type bufferRoom struct {
	mu       sync.Mutex
	maxJobs  int
	maxBytes int
	jobs     int
	bytes    int
	line     list.List
}

// turn is a place in the line.
type turn struct {
	size    int
	entered chan struct{}
}

// tryTake takes room for one job, if there is some and nobody waits for it.
func (r *bufferRoom) tryTake(size int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.line.Len() > 0 || !r.fits(size) {
		return false
	}
	r.jobs++
	r.bytes += size
	return true
}

// take takes room for one job, in line. When ctx ends first it returns false, and the place in the line is given up.
func (r *bufferRoom) take(ctx context.Context, size int) bool {
	r.mu.Lock()
	if r.line.Len() == 0 && r.fits(size) {
		r.jobs++
		r.bytes += size
		r.mu.Unlock()
		return true
	}
	mine := &turn{size: size, entered: make(chan struct{})}
	place := r.line.PushBack(mine)
	r.mu.Unlock()
	select {
	case <-mine.entered:
		return true
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-mine.entered:
		// It was let in at the same time: the room goes to the next.
		r.jobs--
		r.bytes -= size
	default:
		r.line.Remove(place)
	}
	r.admit()
	return false
}

// giveBack frees room, and lets in who now fits.
func (r *bufferRoom) giveBack(jobs, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jobs -= jobs
	r.bytes -= bytes
	r.admit()
}

func (r *bufferRoom) admit() {
	for place := r.line.Front(); place != nil; place = r.line.Front() {
		next, ok := place.Value.(*turn)
		if !ok || !r.fits(next.size) {
			return
		}
		r.line.Remove(place)
		r.jobs++
		r.bytes += next.size
		close(next.entered)
	}
}

// fits lets a job larger than the whole buffer into an empty one: the server judges its size.
func (r *bufferRoom) fits(size int) bool {
	return r.jobs == 0 || (r.jobs < r.maxJobs && r.bytes+size <= r.maxBytes)
}
