package rockqueue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

const (
	pollTime = 30 * time.Second
	// pollSlack is how much longer than the wait at the server an attempt may take.
	pollSlack = 10 * time.Second
)

// JobFilter says which jobs: all that is set must match.
type JobFilter struct {
	// Queue is where the jobs are.
	Queue string
	// State is the state that the jobs are in.
	State JobState
	// Name is the kind of job.
	Name string
	// Tags must all be on the job.
	Tags []string
	// CreatedFrom: created at this moment or later.
	CreatedFrom time.Time
	// CreatedBefore: created before this moment.
	CreatedBefore time.Time
	// Group is the group of the jobs.
	Group string
	// FlowID is the flow that the jobs are part of.
	FlowID string
	// Schedule is the one that pushed the jobs.
	Schedule string
}

// ListOptions say how to list.
type ListOptions struct {
	// NewestFirst reverses the order, which is by creation; with Queue and State, WAITING jobs are in the order of
	// delivery, DELAYED ones by their ready time.
	NewestFirst bool
	// IncludePayload also returns payloads and results.
	IncludePayload bool
	// PageSize is how many jobs one call fetches: 1 to 1,000. Default: 100.
	PageSize int32
}

// Get returns one job, payload and result included. Errors: ErrJobNotFound.
func (c *Client) Get(ctx context.Context, jobID string) (*JobInfo, error) {
	response, err := c.jobs.GetJob(ctx, &rockqueuepb.GetJobRequest{JobId: jobID})
	if err != nil {
		return nil, err
	}
	return jobFrom(response.GetJob(), c.config.Codec), nil
}

// Logs returns what the job's handlers logged. Errors: ErrJobNotFound.
func (c *Client) Logs(ctx context.Context, jobID string) (*JobLogs, error) {
	response, err := c.jobs.GetJobLogs(ctx, &rockqueuepb.GetJobLogsRequest{JobId: jobID})
	if err != nil {
		return nil, err
	}
	logs := &JobLogs{Dropped: response.GetDropped()}
	for _, line := range response.GetLines() {
		logs.Lines = append(logs.Lines, LogLine{moment(line.GetTime()), line.GetText(), line.GetAttempt()})
	}
	return logs, nil
}

// List returns all jobs that match, fetched a page at a time as the loop goes on; options may be nil. An error ends it.
//
//	for job, err := range client.List(ctx, rockqueue.JobFilter{Queue: "mail", State: rockqueue.JobDead}, nil) {
func (c *Client) List(ctx context.Context, filter JobFilter, options *ListOptions) iter.Seq2[*JobInfo, error] {
	return listing(func(token string) ([]*rockqueuepb.Job, string, error) {
		request, err := listRequest(&filter, options)
		if err != nil {
			return nil, "", err
		}
		request.PageToken = token
		page, err := c.jobs.ListJobs(ctx, request)
		return page.GetJobs(), page.GetNextPageToken(), err
	}, func(job *rockqueuepb.Job) *JobInfo { return jobFrom(job, c.config.Codec) })
}

func listRequest(filter *JobFilter, options *ListOptions) (*rockqueuepb.ListJobsRequest, error) {
	wanted, err := filter.proto()
	if err != nil {
		return nil, err
	}
	request := &rockqueuepb.ListJobsRequest{Filter: wanted}
	if options != nil {
		request.IncludePayload, request.PageSize = options.IncludePayload, options.PageSize
		if options.NewestFirst {
			request.Order = rockqueuepb.ListOrder_LIST_ORDER_NEWEST_FIRST
		}
	}
	return request, nil
}

func (f *JobFilter) proto() (*rockqueuepb.JobFilter, error) {
	state, err := f.State.proto()
	if err != nil {
		return nil, err
	}
	return &rockqueuepb.JobFilter{
		Queue: f.Queue, State: state, Name: f.Name, Tags: f.Tags,
		CreatedFrom: stampOrNil(f.CreatedFrom), CreatedBefore: stampOrNil(f.CreatedBefore),
		Group: f.Group, FlowId: f.FlowID, Schedule: f.Schedule,
	}, nil
}

// Wait returns the job once it is finished. It waits until ctx ends: then the error is context.DeadlineExceeded or
// context.Canceled. Errors: ErrJobNotFound.
func (c *Client) Wait(ctx context.Context, jobID string) (*JobInfo, error) {
	state := JobUnknown
	for {
		poll := pollTime
		if deadline, ok := ctx.Deadline(); ok {
			poll = max(0, min(poll, time.Until(deadline)))
		}
		request := &rockqueuepb.WaitJobRequest{JobId: jobID, Timeout: durationpb.New(poll)}
		option := callOption{timeout: poll + c.config.Timeout, attemptTimeout: poll + pollSlack}
		response, err := c.jobs.WaitJob(ctx, request, option)
		switch {
		case ctx.Err() != nil:
			return nil, fromContext(ctx, fmt.Sprintf("job %s is not finished (state %s)", jobID, state))
		case err != nil && !errors.Is(err, context.DeadlineExceeded):
			return nil, err
		case err == nil && response.GetFinished():
			return jobFrom(response.GetJob(), c.config.Codec), nil
		case err == nil:
			state = stateFrom(response.GetJob().GetState())
		}
	}
}

// Result waits for a job as Client.Wait does, and returns what its handler returned. A job that ends otherwise is a
// *JobFailedError.
func Result[R any](ctx context.Context, client *Client, jobID string) (R, error) {
	var result R
	job, err := client.Wait(ctx, jobID)
	if err != nil {
		return result, err
	}
	if job.State != JobCompleted {
		return result, &JobFailedError{Job: job}
	}
	return result, job.UnmarshalResult(&result)
}

// ServerInfo is what a server is and can do.
type ServerInfo struct {
	// Version of the server.
	Version string
	// Capabilities has a bool for each thing that the server can do.
	Capabilities *rockqueuepb.Capabilities
	// Limits are the server's.
	Limits *rockqueuepb.Limits
	// Time is the server's clock, which decides.
	Time time.Time
}

// ServerInfo asks the server what it is and what it can do.
func (c *Client) ServerInfo(ctx context.Context) (*ServerInfo, error) {
	response, err := c.server.GetServerInfo(ctx, &rockqueuepb.GetServerInfoRequest{})
	if err != nil {
		return nil, err
	}
	return &ServerInfo{
		Version: response.GetVersion(), Capabilities: response.GetCapabilities(), Limits: response.GetLimits(),
		Time: moment(response.GetServerTime()),
	}, nil
}
