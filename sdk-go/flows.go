package rockqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// flowPage is how many jobs of a graph one call fetches: the most that the contract allows.
const flowPage = 1000

// Flows pushes flows, and looks after them.
type Flows struct {
	client *Client
}

// Flows pushes flows, and looks after them: jobs that wait for jobs.
func (c *Client) Flows() Flows { return Flows{c} }

// PushFlowOptions say more about the push of a flow.
type PushFlowOptions struct {
	// Durability is how safe the flow must be before it is answered. Default: Config.Durability.
	Durability Durability
}

// PushedFlow is a flow that was stored.
type PushedFlow struct {
	// ID is that of the flow.
	ID string
	// JobIDs are the ids of its jobs, by the names of their nodes.
	JobIDs map[string]string

	byNode map[*FlowNode]string
}

// JobID is the id of a node's job; empty for a node that was not part of the push.
func (p *PushedFlow) JobID(node *FlowNode) string { return p.byNode[node] }

// Push stores a flow whole, or not at all, and returns when it is on disk; options may be nil. PushMiddleware is called
// with all its jobs.
//
// Errors: ErrFlowCycle, ErrInvalidRequest, ErrLimitExceeded, ErrJobNotFound (of AfterJob), ErrPayload, ErrQueueFull,
// ErrStorageFull, ErrOverloaded, ErrUnavailable, context.DeadlineExceeded.
func (f Flows) Push(ctx context.Context, flow *Flow, options *PushFlowOptions) (*PushedFlow, error) {
	if err := f.client.checkOpen(); err != nil {
		return nil, err
	}
	request, names, err := flow.proto(f.client.config.Codec)
	if err != nil {
		return nil, err
	}
	durability := f.client.config.Durability
	if options != nil {
		durability = cmp.Or(options.Durability, durability)
	}
	request.RequestId, request.Durability = newRequestID(), durability.proto()
	pushed := &PushedFlow{JobIDs: make(map[string]string, len(names)), byNode: make(map[*FlowNode]string, len(names))}
	jobs, err := f.push(ctx, request, pushed)
	if err != nil {
		return nil, err
	}
	for index, node := range flow.nodes[:min(len(jobs), len(names))] {
		pushed.JobIDs[names[index]], pushed.byNode[node] = jobs[index].ID, jobs[index].ID
	}
	return pushed, nil
}

// push goes through the middleware, which may change the jobs but not how many they are: edges name them.
func (f Flows) push(
	ctx context.Context, request *rockqueuepb.PushFlowRequest, pushed *PushedFlow,
) ([]PushedJob, error) {
	specs := make([]*rockqueuepb.JobSpec, len(request.GetNodes()))
	for index, node := range request.GetNodes() {
		specs[index] = node.GetJob()
	}
	return f.client.throughMiddleware(ctx, specs,
		func(ctx context.Context, specs []*rockqueuepb.JobSpec) ([]PushedJob, error) {
			if len(specs) != len(request.GetNodes()) {
				return nil, misuse("a push middleware made %d jobs of the %d of a flow", len(specs), len(request.GetNodes()))
			}
			for index, node := range request.GetNodes() {
				node.Job = specs[index]
			}
			response, err := f.client.flows.PushFlow(ctx, request)
			if err != nil {
				return nil, err
			}
			pushed.ID = response.GetFlowId()
			jobs := make([]PushedJob, len(response.GetJobIds()))
			for index, id := range response.GetJobIds() {
				jobs[index] = PushedJob{ID: id}
			}
			return jobs, nil
		})
}

// Get returns a flow with its whole graph. Errors: ErrFlowNotFound.
func (f Flows) Get(ctx context.Context, flowID string) (*FlowInfo, error) {
	var flow *FlowInfo
	graph, err := collect(listing(func(token string) ([]*rockqueuepb.FlowJob, string, error) {
		page, err := f.client.flows.GetFlow(ctx, &rockqueuepb.GetFlowRequest{
			FlowId: flowID, PageSize: flowPage, PageToken: token,
		})
		if err == nil && flow == nil {
			flow = flowFrom(page.GetFlow())
		}
		return page.GetJobs(), page.GetNextPageToken(), err
	}, flowJobFrom))
	if err != nil {
		return nil, err
	}
	flow.Graph = graph
	return flow, nil
}

// FlowFilter says which flows: all that is set must match.
type FlowFilter struct {
	// State is how the flows fare.
	State FlowState
	// Name is what people call them.
	Name string
}

// List returns all flows that match, newest first, without their graphs. An error ends it.
func (f Flows) List(ctx context.Context, filter FlowFilter) iter.Seq2[*FlowInfo, error] {
	return listing(func(token string) ([]*rockqueuepb.Flow, string, error) {
		state, err := numberOf[rockqueuepb.FlowState](
			string(filter.State), rockqueuepb.FlowState_value, flowStatePrefix, "a state of a flow")
		if err != nil {
			return nil, "", err
		}
		page, err := f.client.flows.ListFlows(ctx, &rockqueuepb.ListFlowsRequest{
			State: state, Name: filter.Name, PageToken: token,
		})
		return page.GetFlows(), page.GetNextPageToken(), err
	}, flowFrom)
}

// FlowChange is what became of a flow that was cancelled or put back.
type FlowChange struct {
	// Flow is the flow after the call, without its graph.
	Flow *FlowInfo
	// Affected is how many jobs were cancelled or asked to stop, or were put back.
	Affected int32
}

// Cancel cancels every job of a flow that is not finished; those that are ACTIVE are asked to stop through their workers.
// Errors: ErrFlowNotFound.
func (f Flows) Cancel(ctx context.Context, flowID string) (*FlowChange, error) {
	request := &rockqueuepb.CancelFlowRequest{RequestId: newRequestID(), FlowId: flowID}
	response, err := f.client.flows.CancelFlow(ctx, request)
	if err != nil {
		return nil, err
	}
	return &FlowChange{Flow: flowFrom(response.GetFlow()), Affected: response.GetAffected()}, nil
}

// Retry puts every DEAD or CANCELLED job of a flow back; those that completed stay so. Errors: ErrFlowNotFound.
func (f Flows) Retry(ctx context.Context, flowID string) (*FlowChange, error) {
	request := &rockqueuepb.RetryFlowRequest{RequestId: newRequestID(), FlowId: flowID}
	response, err := f.client.flows.RetryFlow(ctx, request)
	if err != nil {
		return nil, err
	}
	return &FlowChange{Flow: flowFrom(response.GetFlow()), Affected: response.GetAffected()}, nil
}

// Wait returns the flow with its graph once it is finished, however it ended: see FlowInfo.State. It waits until ctx ends:
// then the error is context.DeadlineExceeded or context.Canceled. Errors: ErrFlowNotFound.
func (f Flows) Wait(ctx context.Context, flowID string) (*FlowInfo, error) {
	for {
		flow, err := f.watch(ctx, flowID)
		switch {
		case ctx.Err() != nil:
			return nil, fromContext(ctx, fmt.Sprintf("flow %s is not finished", flowID))
		case errors.Is(err, ErrCursorExpired):
			// The server has forgotten events that this side did not read in time: look again.
		case err != nil:
			return nil, err
		default:
			return flow, nil
		}
	}
}

// watch looks at a flow whenever an event says that it is finished. Events come from before the first look on, so that none
// is missed.
func (f Flows) watch(ctx context.Context, flowID string) (*FlowInfo, error) {
	stream, err := f.client.Watch(ctx, EventOptions{FlowIDs: []string{flowID}, Types: []EventType{EventFlowFinished}})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	for {
		response, err := f.client.flows.GetFlow(ctx, &rockqueuepb.GetFlowRequest{FlowId: flowID, PageSize: 1})
		if err != nil {
			return nil, err
		}
		if flowFrom(response.GetFlow()).State.Finished() {
			return f.Get(ctx, flowID)
		}
		if _, err := stream.Next(); err != nil {
			return nil, err
		}
	}
}

// Parents returns the parents of a job of a flow, in the order in which the job named them. An error ends it:
// ErrJobNotFound. In a handler, Delivery.Parents has them by name.
func (f Flows) Parents(ctx context.Context, jobID string) iter.Seq2[*ParentJob, error] {
	return listing(func(token string) ([]*rockqueuepb.ParentJob, string, error) {
		page, err := f.client.flows.ListParents(ctx, &rockqueuepb.ListParentsRequest{JobId: jobID, PageToken: token})
		return page.GetParents(), page.GetNextPageToken(), err
	}, func(parent *rockqueuepb.ParentJob) *ParentJob { return parentFrom(parent, f.client.config.Codec) })
}
