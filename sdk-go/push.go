package rockqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// PushedJob is what became of a push.
type PushedJob struct {
	// ID is that of the new job, or of the job that holds the unique key.
	ID string
	// Existing is true when nothing was stored because that job holds the key.
	Existing bool
	// Replaced is true when that job took over the fields of this push.
	Replaced bool
}

// PushFunc pushes jobs, all or none, in order.
type PushFunc func(ctx context.Context, jobs []*rockqueuepb.JobSpec) ([]PushedJob, error)

// PushMiddleware is called around each Push and PushMany. It may change the jobs (their headers, say), refuse them, or
// look at what became of them. It must call push at most once.
type PushMiddleware func(ctx context.Context, jobs []*rockqueuepb.JobSpec, push PushFunc) ([]PushedJob, error)

// Push stores one job, and returns when it is on disk. Pushes made at the same time travel together; those of one
// goroutine are stored in their order. While the server is slow, Push waits until there is room.
//
// Errors: ErrPayload, ErrInvalidRequest, ErrUniqueConflict, ErrQueueFull, ErrStorageFull, ErrOverloaded, ErrUnavailable,
// context.DeadlineExceeded. Error.OutcomeUnknown tells whether the job may be stored all the same.
func (c *Client) Push(ctx context.Context, args JobArgs, options *PushOptions) (PushedJob, error) {
	spec, err := buildSpec(args, options, c.config.Codec)
	if err != nil {
		return PushedJob{}, err
	}
	if len(c.config.PushMiddleware) == 0 {
		return c.batcher.push(ctx, spec)
	}
	pushed, err := c.throughMiddleware(ctx, []*rockqueuepb.JobSpec{spec}, c.pushEach)
	if err != nil {
		return PushedJob{}, err
	}
	if len(pushed) != 1 {
		return PushedJob{}, fmt.Errorf("rockqueue: a push middleware returned %d jobs for one push", len(pushed))
	}
	return pushed[0], nil
}

// PushManyOptions say more about a PushMany.
type PushManyOptions struct {
	// Durability is how safe the jobs must be before it is answered. Default: Config.Durability.
	Durability Durability
}

// PushMany stores jobs in order, and returns when they are on disk; options may be nil.
//
// Up to the server's limits (1,000 jobs, 4 MiB) all are stored or none. More are cut into several such batches; when one
// of them fails, the jobs stored before it are returned with the error.
func (c *Client) PushMany(ctx context.Context, jobs []NewJob, options *PushManyOptions) ([]PushedJob, error) {
	if err := c.checkOpen(); err != nil {
		return nil, err
	}
	specs := make([]*rockqueuepb.JobSpec, len(jobs))
	for index, job := range jobs {
		spec, err := buildSpec(job.Args, job.Options, c.config.Codec)
		if err != nil {
			return nil, fmt.Errorf("jobs[%d]: %w", index, err)
		}
		specs[index] = spec
	}
	durability := c.config.Durability
	if options != nil {
		durability = cmp.Or(options.Durability, durability)
	}
	return c.throughMiddleware(ctx, specs, func(ctx context.Context, specs []*rockqueuepb.JobSpec) ([]PushedJob, error) {
		return c.pushBatches(ctx, specs, durability)
	})
}

func (c *Client) throughMiddleware(ctx context.Context, specs []*rockqueuepb.JobSpec, push PushFunc) ([]PushedJob, error) {
	for _, middleware := range slices.Backward(c.config.PushMiddleware) {
		next := push
		push = func(ctx context.Context, specs []*rockqueuepb.JobSpec) ([]PushedJob, error) {
			return middleware(ctx, specs, next)
		}
	}
	return push(ctx, specs)
}

// pushEach is the innermost push of a single job.
func (c *Client) pushEach(ctx context.Context, specs []*rockqueuepb.JobSpec) ([]PushedJob, error) {
	pushed := make([]PushedJob, 0, len(specs))
	for _, spec := range specs {
		one, err := c.batcher.push(ctx, spec)
		if err != nil {
			return pushed, err
		}
		pushed = append(pushed, one)
	}
	return pushed, nil
}

// pushBatches is the innermost push of many jobs: in as few batches as the limits allow, each of them atomic.
func (c *Client) pushBatches(
	ctx context.Context, specs []*rockqueuepb.JobSpec, durability Durability,
) ([]PushedJob, error) {
	limits := c.serverLimits(ctx)
	pushed := make([]PushedJob, 0, len(specs))
	for _, batch := range cutBatches(specs, int(limits.GetBatchEntries()), int(limits.GetBatchBytes())) {
		response, err := c.pushJobs(ctx, &rockqueuepb.PushJobsRequest{
			RequestId: newRequestID(), Jobs: batch, Durability: durability.proto(),
		}, "")
		if err != nil {
			if known, ok := errors.AsType[*Error](err); ok {
				known.Metadata["pushed"] = strconv.Itoa(len(pushed))
			}
			if len(pushed) > 0 {
				err = fmt.Errorf("after %d of %d jobs were stored: %w", len(pushed), len(specs), err)
			}
			return pushed, err
		}
		for _, one := range response.GetJobs() {
			pushed = append(pushed, pushedJob(one))
		}
	}
	return pushed, nil
}

// pushJobs makes one logical call: a PushJobs in all but that its attempts are messages on the stream of pushes. A refusal
// for finalReason, where there is one, is not repeated.
func (c *Client) pushJobs(
	ctx context.Context, request *rockqueuepb.PushJobsRequest, finalReason string,
) (*rockqueuepb.PushJobsResponse, error) {
	path := rockqueuepb.JobService_PushJobs_FullMethodName
	// As it travels: a message that the server does not take would end the stream for all.
	message := &rockqueuepb.StreamPushesRequest{Sequence: math.MaxInt64, Batch: request}
	if size := proto.Size(message); size > messageBytes {
		return nil, tooLarge(path, size)
	}
	call := c.calling(path, request.GetRequestId(), callOption{finalReason: finalReason})
	var response *rockqueuepb.PushJobsResponse
	err := retry(ctx, call, func(ctx context.Context) error {
		var err error
		response, err = c.pushes.push(ctx, request)
		return err
	})
	return response, err
}

func pushedJob(one *rockqueuepb.PushedJob) PushedJob {
	return PushedJob{ID: one.GetJobId(), Existing: one.GetExisting(), Replaced: one.GetReplaced()}
}

// cutBatches cuts jobs into batches within both limits, in order.
func cutBatches(specs []*rockqueuepb.JobSpec, maxEntries, maxBytes int) [][]*rockqueuepb.JobSpec {
	var batches [][]*rockqueuepb.JobSpec
	start, size := 0, 0
	for index, spec := range specs {
		weight := proto.Size(spec)
		if index > start && (index-start >= maxEntries || size+weight > maxBytes) {
			batches = append(batches, specs[start:index])
			start, size = index, 0
		}
		size += weight
	}
	if start < len(specs) {
		batches = append(batches, specs[start:])
	}
	return batches
}
