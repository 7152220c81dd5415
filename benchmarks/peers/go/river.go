package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverQueue inserts by COPY (InsertManyFast), and works with the settings of River's own benchmark. Its completer writes
// finished jobs in batches; a job counts as acknowledged when that was committed.
type riverQueue struct {
	mutex sync.Mutex
	pool  *pgxpool.Pool
	// Consumers of one process share a River client, which fetches for all of them.
	working bool
}

const (
	riverWorkers       = 2000
	riverFetchCooldown = 2 * time.Millisecond
	riverFetchPoll     = 20 * time.Millisecond
	riverEvents        = 1 << 20
	riverConnections   = 4
	riverIdleQueue     = "idle"
)

type riverArgs struct {
	At     string `json:"at"`
	Filler string `json:"filler"`
}

func (riverArgs) Kind() string { return "noop" }

type riverWorker struct {
	river.WorkerDefaults[riverArgs]
	tally atomic.Pointer[tally]
}

func (w *riverWorker) Work(_ context.Context, job *river.Job[riverArgs]) error {
	w.tally.Load().started([]byte(payloadHead + job.Args.At))
	return nil
}

type riverProducer struct {
	client *river.Client[pgx.Tx]
	params params
}

// riverConsumer has a client that runs, but on another queue until the work begins. Only the first one has a client.
type riverConsumer struct {
	client *river.Client[pgx.Tx]
	worker *riverWorker
	params params
}

// connect makes the one pool of the process, with a connection for each client and some for River itself.
func (r *riverQueue) connect(ctx context.Context, p params) (*pgxpool.Pool, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.pool != nil {
		return r.pool, nil
	}
	config, err := pgxpool.ParseConfig(p.Address)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(p.Clients + riverConnections)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	r.pool = pool
	return pool, pool.Ping(ctx)
}

func (r *riverQueue) prepare(ctx context.Context, p params) error {
	pool, err := r.connect(ctx, p)
	if err != nil {
		return err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: riverLog()})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func (r *riverQueue) producer(ctx context.Context, p params) (producer, error) {
	pool, err := r.connect(ctx, p)
	if err != nil {
		return nil, err
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: riverLog()})
	return riverProducer{client, p}, err
}

func (r *riverQueue) consumer(ctx context.Context, p params) (consumer, error) {
	pool, err := r.connect(ctx, p)
	if err != nil || r.working {
		return riverConsumer{}, err
	}
	r.working = true
	worker := &riverWorker{}
	workers := river.NewWorkers()
	river.AddWorker(workers, worker)
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Queues:            map[string]river.QueueConfig{riverIdleQueue: {MaxWorkers: 1}},
		Workers:           workers,
		FetchCooldown:     riverFetchCooldown,
		FetchPollInterval: riverFetchPoll,
		Logger:            riverLog(),
	})
	if err != nil {
		return nil, err
	}
	return riverConsumer{client, worker, p}, client.Start(ctx)
}

func (riverProducer) close() {}

func (riverConsumer) close() {}

func (c riverProducer) push(ctx context.Context, jobs [][]byte) error {
	inserts := make([]river.InsertManyParams, len(jobs))
	options := &river.InsertOpts{Queue: c.params.Queue}
	for index, job := range jobs {
		inserts[index] = river.InsertManyParams{Args: riverArgs{digits(madeAt(job)), filler(len(job))}, InsertOpts: options}
	}
	count, err := c.client.InsertManyFast(ctx, inserts)
	if err == nil && count != len(jobs) {
		return fmt.Errorf("%d of %d jobs were inserted", count, len(jobs))
	}
	return err
}

func (c riverConsumer) work(ctx context.Context, t *tally) error {
	if c.client == nil {
		return nil
	}
	c.worker.tally.Store(t)
	events, unsubscribe := c.client.SubscribeConfig(&river.SubscribeConfig{
		ChanSize: riverEvents, Kinds: []river.EventKind{river.EventKindJobCompleted},
	})
	defer unsubscribe()
	most := riverWorkers
	if c.params.Batch == 1 {
		most = c.params.Clients
	}
	if err := c.client.Queues().Add(c.params.Queue, river.QueueConfig{MaxWorkers: most}); err != nil {
		return err
	}
	for {
		select {
		case <-events:
			t.acked(1)
		case <-ctx.Done():
			return nil
		}
	}
}

func riverLog() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
