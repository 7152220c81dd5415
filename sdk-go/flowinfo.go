package rockqueue

import (
	"context"
	"time"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// FlowState is how a flow fares.
type FlowState string

const (
	// FlowRunning says that some job is not finished.
	FlowRunning FlowState = "RUNNING"
	// FlowCompleted says that every job completed.
	FlowCompleted FlowState = "COMPLETED"
	// FlowFailed says that all jobs are finished, and at least one is DEAD.
	FlowFailed FlowState = "FAILED"
	// FlowCancelled says that all jobs are finished, none is DEAD, and at least one was cancelled or deleted.
	FlowCancelled FlowState = "CANCELLED"
	// FlowUnknown stands for a state that a newer server has and this version does not.
	FlowUnknown FlowState = unknownName
)

const flowStatePrefix = "FLOW_STATE_"

// Finished is true for COMPLETED, FAILED and CANCELLED.
func (s FlowState) Finished() bool {
	return s == FlowCompleted || s == FlowFailed || s == FlowCancelled
}

// FlowInfo is a flow as the server knows it.
type FlowInfo struct {
	// ID is a UUIDv7, given by the server. Later flows have greater ids.
	ID string
	// Name is what people call it.
	Name string
	// State is how it fares.
	State FlowState
	// Jobs is how many jobs it has.
	Jobs int32
	// Completed is how many of them completed.
	Completed int32
	// Dead is how many of them are DEAD.
	Dead int32
	// Cancelled is how many of them were cancelled or deleted.
	Cancelled int32
	// CreateTime is when it was pushed.
	CreateTime time.Time
	// FinishTime is when its last job was finished; zero while it runs. The flow is forgotten 7 days later.
	FinishTime time.Time
	// Graph are its jobs, in the order in which they were pushed; nil in listings.
	Graph []FlowJob
}

// FlowJob is one job of a flow as the server knows it.
type FlowJob struct {
	// Node is its local name.
	Node string
	// JobID is its id.
	JobID string
	// State is the job's; JobUnknown when the job is no longer kept.
	State JobState
	// DeadReason is why the job is DEAD; empty in other states.
	DeadReason DeadReason
	// Parents are what the job waits or waited for.
	Parents []FlowEdge
}

// FlowEdge is what a job of a flow waits or waited for.
type FlowEdge struct {
	// Node is the local name of a job of the same flow; empty for another one.
	Node string
	// JobID is the id of a job that was there before the flow; empty with Node.
	JobID string
	// OnFailure is what becomes of the child when this parent does not complete; empty for the flow's policy.
	OnFailure ParentFailurePolicy
}

// ParentJob is a parent of a job of a flow.
type ParentJob struct {
	// Node is its local name; empty when it is not of the same flow.
	Node string
	// JobID is its id.
	JobID string
	// State is the parent's; JobUnknown when it is no longer kept.
	State JobState
	// Result is what its handler returned, in a COMPLETED job. See UnmarshalResult.
	Result []byte
	// ResultContentType is the media type of Result.
	ResultContentType string

	codec Codec
}

// UnmarshalResult stores what the parent returned in the value that into points to; nothing when it returned nothing.
func (p *ParentJob) UnmarshalResult(into any) error {
	if err := p.codec.Decode(p.Result, p.ResultContentType, into); err != nil {
		return payloadError("the result of job "+p.JobID+" cannot be read", err)
	}
	return nil
}

// Parents returns the parents of the job, by the names of their nodes; one that is not of the same flow by its id. It asks
// the server, unless the job is part of no flow.
func (d *Delivery) Parents(ctx context.Context) (map[string]*ParentJob, error) {
	parents := make(map[string]*ParentJob)
	if d.Origin.FlowID == "" {
		return parents, nil
	}
	for parent, err := range d.home.parents(ctx, d.ID) {
		if err != nil {
			return nil, err
		}
		name := parent.Node
		if name == "" {
			name = parent.JobID
		}
		parents[name] = parent
	}
	return parents, nil
}

func flowStateFrom(number rockqueuepb.FlowState) FlowState {
	if state := FlowState(nameOf(number, rockqueuepb.FlowState_name, flowStatePrefix)); state != "" {
		return state
	}
	return FlowUnknown
}

func flowFrom(flow *rockqueuepb.Flow) *FlowInfo {
	return &FlowInfo{
		ID: flow.GetId(), Name: flow.GetName(), State: flowStateFrom(flow.GetState()), Jobs: flow.GetJobs(),
		Completed: flow.GetCompleted(), Dead: flow.GetDead(), Cancelled: flow.GetCancelled(),
		CreateTime: moment(flow.GetCreateTime()), FinishTime: moment(flow.GetFinishTime()),
	}
}

func flowJobFrom(job *rockqueuepb.FlowJob) FlowJob {
	made := FlowJob{
		Node: job.GetNode(), JobID: job.GetJobId(), State: stateFrom(job.GetState()),
		DeadReason: deadReasonFrom(job.GetDeadReason()),
	}
	for _, edge := range job.GetParents() {
		policy := optionOf(edge.GetOnFailure(), rockqueuepb.ParentFailurePolicy_name, parentFailurePrefix)
		made.Parents = append(made.Parents, FlowEdge{
			Node: edge.GetNode(), JobID: edge.GetJobId(), OnFailure: ParentFailurePolicy(policy),
		})
	}
	return made
}

func parentFrom(parent *rockqueuepb.ParentJob, codec Codec) *ParentJob {
	return &ParentJob{
		Node: parent.GetNode(), JobID: parent.GetJobId(), State: stateFrom(parent.GetState()),
		Result: parent.GetResult(), ResultContentType: parent.GetResultContentType(), codec: codec,
	}
}
