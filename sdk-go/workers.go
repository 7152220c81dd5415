package rockqueue

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	defaultConcurrency = 10
	mostWindow         = 10_000
	defaultGrace       = 30 * time.Second
	defaultResumeGrace = 10 * time.Second
	defaultStuckAfter  = 10 * time.Minute
	workerNameBytes    = 128
	// cleanUpTime is how long handlers whose context has ended may take to return.
	cleanUpTime = 5 * time.Second
	// flushSlack is how much longer than the leases the last settlements are tried to be delivered.
	flushSlack  = 5 * time.Second
	goodbyeTime = 5 * time.Second
)

// WorkerState is where Workers are in their life.
type WorkerState string

// CREATED, RUNNING, DRAINING, STOPPED, or FAILED.
const (
	WorkerCreated  WorkerState = "CREATED"
	WorkerRunning  WorkerState = "RUNNING"
	WorkerDraining WorkerState = "DRAINING"
	WorkerStopped  WorkerState = "STOPPED"
	WorkerFailed   WorkerState = "FAILED"
)

// WorkersConfig says how Workers work. The zero value is ready to use.
type WorkersConfig struct {
	// Queues are the queues to work on: 1 to 64. Default: those that the PushOptions of the registered arguments name,
	// "default" for arguments that name none.
	Queues []string

	// Concurrency is how many handlers run at once. Default: 10.
	Concurrency int

	// Prefetch is how many further jobs are held ready: new(0) for long jobs. Default: as many as Concurrency.
	Prefetch *int

	// Name is what people call this worker: shown with its jobs and in events. Default: host name and process id.
	Name string

	// Lease is how long a job is safe from others when this process dies: 1 s to 12 h. Default: the queue's, 30 s.
	Lease time.Duration

	// ResumeGrace is how long the server keeps the leases of a broken connection: up to 10 min. Default: 10 s.
	ResumeGrace *time.Duration

	// Grace is how long handlers may go on when the workers are asked to stop. Default: 30 s.
	Grace time.Duration

	// StuckAfter is how long a handler may run until the worker says that it is stuck: in a line of its log, once, and to
	// the server, which shows it in Client.ListWorkers. The handler goes on. 0 switches it off. Default: 10 min.
	StuckAfter *time.Duration

	// Middleware is called around each handler, the first one outermost.
	Middleware []WorkMiddleware
}

// Workers take jobs from queues and run the handlers that are registered for them, by AddWorker and HandleFunc.
//
//	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Concurrency: 20})
//	rockqueue.AddWorker(workers, &WelcomeWorker{})
//	err := workers.Run(ctx)
//
// They keep one stream to the server, with one heartbeat for all leases; a broken connection is made again, and handlers
// go on meanwhile. Workers are safe for concurrent use. They start once.
type Workers struct {
	client *Client
	config WorkersConfig

	mu       sync.Mutex
	state    WorkerState
	failure  error
	handlers map[string]HandlerFunc
	queueSet map[string]struct{}
	session  *session
	runner   *runner
	stopped  chan struct{}
	// hurry ends the grace; give up ends the wait for handlers that do not return.
	hurry, giveUp         chan struct{}
	hurryOnce, giveUpOnce sync.Once
	// endSession breaks the session off; sessionDone is closed when it has ended.
	endSession  context.CancelFunc
	sessionDone chan struct{}
	detach      func() bool
}

// NewWorkers makes workers for the jobs of a client, which must stay open while they work. It does no I/O; a config that
// makes no sense is an error of Start.
func NewWorkers(client *Client, config WorkersConfig) *Workers {
	return &Workers{
		client: client, config: config, state: WorkerCreated,
		handlers: make(map[string]HandlerFunc), queueSet: make(map[string]struct{}),
		stopped: make(chan struct{}), hurry: make(chan struct{}), giveUp: make(chan struct{}),
		sessionDone: make(chan struct{}),
	}
}

// State is where the workers are in their life.
func (w *Workers) State() WorkerState {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// Stopped is closed when the workers have stopped, or failed: see Err.
func (w *Workers) Stopped() <-chan struct{} { return w.stopped }

// Err is what made the workers fail; nil while they have not.
func (w *Workers) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

// Start begins to work, and returns at once: the connection is made, and made again, in the background. The contexts of
// handlers have the values of ctx; when ctx ends, the workers stop as by Stop.
func (w *Workers) Start(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state != WorkerCreated {
		return misuse("these workers are %s; workers start once", w.state)
	}
	if err := w.client.checkOpen(); err != nil {
		return err
	}
	prefetch, err := w.prepare()
	if err != nil {
		return err
	}
	w.state = WorkerRunning
	w.session = newSession(w.client, sessionOptions{
		queues: w.config.Queues, worker: w.config.Name, lease: w.config.Lease, resumeGrace: w.config.ResumeGrace,
	}, newCreditLedger(w.config.Concurrency, prefetch))
	w.runner = newRunner(ContextWithClient(context.WithoutCancel(ctx), w.client), w)
	w.runner.session, w.session.runner = w.session, w.runner
	sessionCtx, endSession := context.WithCancel(context.Background())
	w.endSession = endSession
	w.client.track(w.session)
	go w.runSession(sessionCtx)
	w.detach = context.AfterFunc(ctx, func() { w.beginDrain() })
	return nil
}

// prepare fills in defaults, and says what makes no sense.
func (w *Workers) prepare() (prefetch int, err error) {
	config := &w.config
	orDefault(&config.Concurrency, defaultConcurrency)
	orDefault(&config.Grace, defaultGrace)
	prefetch = config.Concurrency
	if config.Prefetch != nil {
		prefetch = *config.Prefetch
	}
	if config.Name == "" {
		host, _ := os.Hostname()
		config.Name = cutText(fmt.Sprintf("%s-%d", cmp.Or(host, "worker"), os.Getpid()), workerNameBytes)
	}
	if config.StuckAfter == nil {
		config.StuckAfter = new(defaultStuckAfter)
	}
	if len(config.Queues) == 0 {
		config.Queues = slices.Sorted(maps.Keys(w.queueSet))
	}
	switch {
	case config.Concurrency < 1 || prefetch < 0 || config.Concurrency+prefetch > mostWindow:
		return 0, misuse("Concurrency must be 1 or more, Prefetch 0 or more, together at most %d", mostWindow)
	case *config.StuckAfter < 0:
		return 0, misuse("StuckAfter must be 0 or more, not %s", *config.StuckAfter)
	case len(w.handlers) == 0:
		return 0, misuse("workers need AddWorker or HandleFunc before they start")
	case len(config.Queues) == 0:
		return 0, misuse("workers with HandleFunc alone need WorkersConfig.Queues")
	}
	return prefetch, nil
}

// Run is for a program's main function: it works until ctx ends or SIGTERM or Ctrl-C (SIGINT) comes, then stops as by
// Stop, and returns when all is settled. Its error is what made the workers fail. A second signal does not wait for
// handlers. A program that handles signals itself uses Start and Stop.
func (w *Workers) Run(ctx context.Context) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := w.Start(ctx); err != nil {
		return err
	}
	// The signal that ended a context of signal.NotifyContext comes here too, and is the first one.
	for signalled := false; ; signalled = true {
		select {
		case <-w.stopped:
			return w.Err()
		case <-signals:
			if signalled {
				w.client.logger.Warn("second signal: not waiting for handlers")
				w.hurryUp()
			}
			w.beginDrain()
		}
	}
}

// Stop stops in good order: no more jobs are taken, those that have not begun are given back, handlers see
// Delivery.ShuttingDown and have WorkersConfig.Grace to finish, or until ctx ends; then their contexts end with
// ErrShutdown, and their jobs are given back, which costs no attempt. Leases are kept alive until every outcome is on the
// server's disk. Stop returns when that is done, with what made the workers fail, if something did. Calling it twice, or
// before Start, is fine.
func (w *Workers) Stop(ctx context.Context) error {
	if !w.beginDrain() {
		return nil
	}
	select {
	case <-w.stopped:
	case <-ctx.Done():
		w.hurryUp()
		<-w.stopped
	}
	return w.Err()
}

// StopAndCancel is Stop without the grace: the contexts of handlers end at once. When ctx ends before they have returned,
// their jobs are given back all the same.
func (w *Workers) StopAndCancel(ctx context.Context) error {
	w.hurryUp()
	if !w.beginDrain() {
		return nil
	}
	select {
	case <-w.stopped:
	case <-ctx.Done():
		w.giveUpOnce.Do(func() { close(w.giveUp) })
		<-w.stopped
	}
	return w.Err()
}

func (w *Workers) hurryUp() { w.hurryOnce.Do(func() { close(w.hurry) }) }

// beginDrain makes the workers stop, and returns false when there is nothing to wait for.
func (w *Workers) beginDrain() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.state {
	case WorkerCreated:
		w.state = WorkerStopped
		close(w.stopped)
		return false
	case WorkerRunning:
		w.state = WorkerDraining
		go w.drain()
	case WorkerDraining, WorkerStopped, WorkerFailed:
	}
	return true
}

// drain is the order of a graceful stop, as the contract has it.
func (w *Workers) drain() {
	w.session.drain()
	w.runner.stopAccepting()
	w.waitEmpty(w.config.Grace, w.hurry, w.sessionDone)
	w.runner.cancelAll(ErrShutdown)
	w.waitEmpty(cleanUpTime, w.giveUp, nil)
	w.flush()
	if left := w.runner.abandonAll(); left > 0 {
		w.client.logger.Warn("handlers did not return; their jobs are given back", "handlers", left)
		w.flush()
	}
	w.session.sayGoodbye()
	w.waitSession(goodbyeTime)
	w.finish(WorkerStopped)
}

// waitEmpty waits until no handler runs, as long as the time lasts and nothing speaks against it.
func (w *Workers) waitEmpty(within time.Duration, hurry, over <-chan struct{}) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-w.runner.empty:
	case <-timer.C:
	case <-hurry:
	case <-over:
	}
}

// flush waits until every outcome is on disk, or the leases are gone anyway.
func (w *Workers) flush() {
	grace := defaultResumeGrace
	if w.config.ResumeGrace != nil {
		grace = *w.config.ResumeGrace
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace+flushSlack)
	defer cancel()
	settled := make(chan bool, 1)
	go func() { settled <- w.session.waitSettled(ctx) }()
	select {
	case <-w.sessionDone:
		cancel()
		<-settled
	case done := <-settled:
		if !done {
			w.client.logger.Warn("outcomes could not be delivered; their jobs run again", "outcomes", w.session.openSettlements())
		}
	}
}

func (w *Workers) waitSession(within time.Duration) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-w.sessionDone:
	case <-timer.C:
	}
}

// runSession runs the session to its end; only while the workers run is that a surprise.
func (w *Workers) runSession(ctx context.Context) {
	err := w.session.run(ctx)
	w.mu.Lock()
	if err != nil && ctx.Err() == nil {
		w.failure = fmt.Errorf("rockqueue: the workers failed: %w", err)
	}
	running := w.state == WorkerRunning
	if running {
		w.state = WorkerFailed
	}
	w.mu.Unlock()
	close(w.sessionDone)
	if !running {
		return
	}
	w.client.logger.Error("the workers failed", "error", err)
	w.runner.stopAccepting()
	w.runner.cancelAll(ErrLeaseLost)
	select {
	case <-w.runner.empty:
	case <-time.After(cleanUpTime):
		w.runner.abandonAll()
	}
	w.finish(WorkerFailed)
}

func (w *Workers) finish(state WorkerState) {
	w.endSession()
	<-w.sessionDone
	w.client.untrack(w.session)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.detach()
	if w.failure != nil {
		state = WorkerFailed
	}
	w.state = state
	close(w.stopped)
}
