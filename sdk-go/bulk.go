package rockqueue

import (
	"context"
	"slices"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// BulkResult is what became of a call that names several jobs.
type BulkResult struct {
	// Affected is how many jobs were changed.
	Affected int64
	// Failures say why the others were not, by job id: each is an *Error.
	Failures map[string]error
}

// BulkOptions are for calls that change all jobs that match a filter.
type BulkOptions struct {
	// DryRun only counts.
	DryRun bool
	// OnProgress is told how many jobs were changed so far, or would be, after each step of up to 10,000.
	OnProgress func(affected int64)
}

// RetryOptions are for calls that put jobs back.
type RetryOptions struct {
	// IntoQueue puts the jobs into this queue instead of their own.
	IntoQueue string
	// DryRun only counts. For RetryAll.
	DryRun bool
	// OnProgress is told how many jobs were put back so far, or would be, after each step of up to 10,000. For RetryAll.
	OnProgress func(affected int64)
}

// bulk are the options that all calls by filter share.
func (o *RetryOptions) bulk() *BulkOptions {
	if o == nil {
		return nil
	}
	return &BulkOptions{DryRun: o.DryRun, OnProgress: o.OnProgress}
}

// bulkCall is one of the calls that change many jobs.
type bulkCall func(context.Context, *bulkTarget) (bulkAnswer, error)

// bulkTarget says which jobs: either ids or a filter are set, and with the filter the rest.
type bulkTarget struct {
	ids       *rockqueuepb.JobIds
	filter    *rockqueuepb.JobFilter
	dryRun    bool
	pageToken string
}

// bulkAnswer is what their answers have in common.
type bulkAnswer interface {
	GetAffected() int64
	GetFailures() []*rockqueuepb.EntryFailure
	GetMore() bool
	GetNextPageToken() string
}

// Cancel cancels a job; one that is ACTIVE is asked to stop through its worker. Errors: ErrJobNotFound, ErrInvalidState.
func (c *Client) Cancel(ctx context.Context, jobID string) error {
	return changeOne(ctx, c.cancelJobs, jobID)
}

// CancelMany cancels jobs; those that could not be are in the result.
func (c *Client) CancelMany(ctx context.Context, jobIDs []string) (*BulkResult, error) {
	return changeMany(ctx, c.cancelJobs, jobIDs)
}

// CancelAll cancels all unfinished jobs that match, and returns how many; options may be nil.
func (c *Client) CancelAll(ctx context.Context, filter JobFilter, options *BulkOptions) (int64, error) {
	return changeAll(ctx, c.cancelJobs, &filter, options)
}

// Retry puts a DEAD or CANCELLED job back to WAITING, with its counters at 0; options may be nil. Errors: ErrJobNotFound,
// ErrInvalidState.
func (c *Client) Retry(ctx context.Context, jobID string, options *RetryOptions) error {
	return changeOne(ctx, c.retryJobs(options), jobID)
}

// RetryMany puts jobs back; those that could not be are in the result.
func (c *Client) RetryMany(ctx context.Context, jobIDs []string, options *RetryOptions) (*BulkResult, error) {
	return changeMany(ctx, c.retryJobs(options), jobIDs)
}

// RetryAll puts all DEAD and CANCELLED jobs that match back, and returns how many.
func (c *Client) RetryAll(ctx context.Context, filter JobFilter, options *RetryOptions) (int64, error) {
	return changeAll(ctx, c.retryJobs(options), &filter, options.bulk())
}

// Delete removes a job that is not ACTIVE, and all that is known of it. Errors: ErrJobNotFound, ErrInvalidState.
func (c *Client) Delete(ctx context.Context, jobID string) error {
	return changeOne(ctx, c.deleteJobs, jobID)
}

// DeleteMany removes jobs; those that could not be are in the result.
func (c *Client) DeleteMany(ctx context.Context, jobIDs []string) (*BulkResult, error) {
	return changeMany(ctx, c.deleteJobs, jobIDs)
}

// DeleteAll removes all jobs that match and are not ACTIVE, and returns how many; options may be nil.
func (c *Client) DeleteAll(ctx context.Context, filter JobFilter, options *BulkOptions) (int64, error) {
	return changeAll(ctx, c.deleteJobs, &filter, options)
}

func changeOne(ctx context.Context, call bulkCall, jobID string) error {
	result, err := changeMany(ctx, call, []string{jobID})
	if err != nil {
		return err
	}
	return result.Failures[jobID]
}

// changeMany changes jobs named one by one, as many with each call as the contract allows.
func changeMany(ctx context.Context, call bulkCall, jobIDs []string) (*BulkResult, error) {
	result := &BulkResult{Failures: make(map[string]error)}
	for ids := range slices.Chunk(jobIDs, int(defaultLimits().GetBatchEntries())) {
		answer, err := call(ctx, &bulkTarget{ids: &rockqueuepb.JobIds{Ids: ids}})
		if err != nil {
			return result, err
		}
		result.Affected += answer.GetAffected()
		for _, failure := range answer.GetFailures() {
			if index := int(failure.GetIndex()); index >= 0 && index < len(ids) {
				result.Failures[ids[index]] = fromEntry(failure.GetStatus())
			}
		}
	}
	return result, nil
}

// changeAll changes all jobs that match, up to 10,000 with each call; what they have seen is not looked at again.
func changeAll(ctx context.Context, call bulkCall, filter *JobFilter, options *BulkOptions) (int64, error) {
	if options == nil {
		options = &BulkOptions{}
	}
	wanted, err := filter.proto()
	if err != nil {
		return 0, err
	}
	target := &bulkTarget{filter: wanted, dryRun: options.DryRun}
	affected := int64(0)
	for {
		answer, err := call(ctx, target)
		if err != nil {
			return affected, err
		}
		affected += answer.GetAffected()
		if options.OnProgress != nil {
			options.OnProgress(affected)
		}
		target.pageToken = answer.GetNextPageToken()
		// A server without tokens has changed what it counted, and begins again with what is left; a dry run of such a one
		// would count the same jobs for ever.
		if !answer.GetMore() || (target.pageToken == "" && options.DryRun) {
			return affected, nil
		}
	}
}

func (c *Client) cancelJobs(ctx context.Context, target *bulkTarget) (bulkAnswer, error) {
	request := &rockqueuepb.CancelJobsRequest{
		RequestId: newRequestID(), DryRun: target.dryRun, PageToken: target.pageToken,
		Target: &rockqueuepb.CancelJobsRequest_Filter{Filter: target.filter},
	}
	if target.ids != nil {
		request.Target = &rockqueuepb.CancelJobsRequest_Jobs{Jobs: target.ids}
	}
	return c.jobs.CancelJobs(ctx, request)
}

func (c *Client) retryJobs(options *RetryOptions) bulkCall {
	queue := ""
	if options != nil {
		queue = options.IntoQueue
	}
	return func(ctx context.Context, target *bulkTarget) (bulkAnswer, error) {
		request := &rockqueuepb.RetryJobsRequest{
			RequestId: newRequestID(), DryRun: target.dryRun, PageToken: target.pageToken, Queue: queue,
			Target: &rockqueuepb.RetryJobsRequest_Filter{Filter: target.filter},
		}
		if target.ids != nil {
			request.Target = &rockqueuepb.RetryJobsRequest_Jobs{Jobs: target.ids}
		}
		return c.jobs.RetryJobs(ctx, request)
	}
}

func (c *Client) deleteJobs(ctx context.Context, target *bulkTarget) (bulkAnswer, error) {
	request := &rockqueuepb.DeleteJobsRequest{
		RequestId: newRequestID(), DryRun: target.dryRun, PageToken: target.pageToken,
		Target: &rockqueuepb.DeleteJobsRequest_Filter{Filter: target.filter},
	}
	if target.ids != nil {
		request.Target = &rockqueuepb.DeleteJobsRequest_Jobs{Jobs: target.ids}
	}
	return c.jobs.DeleteJobs(ctx, request)
}
