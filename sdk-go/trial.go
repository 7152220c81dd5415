package rockqueue

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/rockqueue/rockqueue/sdk-go/internal/hooks"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

//nolint:gochecknoinits // how rockqueuetest reaches what is not for everybody
func init() { hooks.Try = try }

// try runs the handler of one delivery as a worker would, without a server: for package rockqueuetest.
func try(
	ctx context.Context, register func(workers any), codec, message any, parents []any,
) (*hooks.Trial, error) {
	workers := NewWorkers(nil, WorkersConfig{})
	register(workers)
	delivered, ok := message.(*rockqueuepb.Delivery)
	if !ok {
		return nil, fmt.Errorf("rockqueue: %T is not a delivery", message)
	}
	kind := delivered.GetSpec().GetName()
	handler := workers.handlers[kind]
	if handler == nil {
		return nil, fmt.Errorf("rockqueue: no worker for jobs of kind %q", kind)
	}
	how, ok := codec.(Codec)
	if !ok {
		how = JSONCodec{}
	}
	home := &trialHome{codec: how}
	for _, one := range parents {
		if parent, ok := one.(*rockqueuepb.ParentJob); ok {
			home.given = append(home.given, parent)
		}
	}
	delivery := newDelivery(delivered, how, home)
	err := call(ctx, delivery, handler)
	cause := context.Cause(ctx)
	end := &ending{err: err, cause: cause, asked: cause != nil}
	return &hooks.Trial{Err: err, Settlement: end.settle(delivery), Reports: home.reports}, nil
}

// trialHome keeps what a handler reports, and gives it the parents that the test made up.
type trialHome struct {
	codec   Codec
	given   []*rockqueuepb.ParentJob
	mu      sync.Mutex
	reports []any
}

func (h *trialHome) report(report *rockqueuepb.JobReport) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reports = append(h.reports, report)
}

func (h *trialHome) shuttingDown() <-chan struct{} { return nil }

func (h *trialHome) parents(context.Context, string) iter.Seq2[*ParentJob, error] {
	return func(yield func(*ParentJob, error) bool) {
		for _, parent := range h.given {
			if !yield(parentFrom(parent, h.codec), nil) {
				return
			}
		}
	}
}
