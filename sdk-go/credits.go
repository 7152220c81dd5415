package rockqueue

// creditLedger says how many deliveries a worker asks for: the contract's credit algorithm.
//
// held is credits granted and not used plus deliveries not settled. free = window - held credits are granted as soon as
// there are max(1, window/4), or any at all while no delivery waits for a handler. So a window of 1 never stalls, and the
// window is never overdrawn.
type creditLedger struct {
	concurrency int
	window      int
	granted     int
	deliveries  map[string]struct{}
}

func newCreditLedger(concurrency, prefetch int) *creditLedger {
	return &creditLedger{
		concurrency: concurrency, window: concurrency + prefetch, deliveries: make(map[string]struct{}),
	}
}

func (l *creditLedger) held() int { return l.granted + len(l.deliveries) }

func (l *creditLedger) holds(token []byte) bool {
	_, found := l.deliveries[string(token)]
	return found
}

// delivered: a delivery came; it used a credit.
func (l *creditLedger) delivered(token []byte) {
	l.granted = max(0, l.granted-1)
	l.deliveries[string(token)] = struct{}{}
}

// settled: a delivery is settled, or dropped because its lease is lost.
func (l *creditLedger) settled(token []byte) { delete(l.deliveries, string(token)) }

// streamEnded: credits do not survive a stream.
func (l *creditLedger) streamEnded() { l.granted = 0 }

// grant returns the credits to grant now, 0 for none; they count as granted.
func (l *creditLedger) grant() int32 {
	free := l.window - l.held()
	// Handlers run for the first deliveries up to the concurrency: the others have not begun.
	allBegun := len(l.deliveries) <= l.concurrency
	if free < 1 || (!allBegun && free*4 < l.window) {
		return 0
	}
	l.granted += free
	return int32(free) //nolint:gosec // at most the window
}
