package rockqueue

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// ParentFailurePolicy is what becomes of a job of a flow when a parent does not complete.
type ParentFailurePolicy string

const (
	// ParentFailureCascade makes the job DEAD (PARENT_FAILED), and so on downwards.
	ParentFailureCascade ParentFailurePolicy = "cascade"
	// ParentFailureCancel makes the job CANCELLED; for its own children it is a parent that did not complete.
	ParentFailureCancel ParentFailurePolicy = "cancel"
	// ParentFailureIgnore lets the job go on as if the parent had completed.
	ParentFailureIgnore ParentFailurePolicy = "ignore"
)

const parentFailurePrefix = "PARENT_FAILURE_POLICY_"

// nodeNameBytes is how long the local name of a job in its flow may be.
const nodeNameBytes = 128

// Flow is a graph of jobs to push: each job waits until its parents are finished, and can then read their results.
//
//	flow := rockqueue.NewFlow("newsletter")
//	render := flow.Add(Render{Issue: 7}, nil)
//	first, second := flow.Add(Send{List: "a"}, nil), flow.Add(Send{List: "b"}, nil)
//	flow.Chain(render, flow.Group(first, second), flow.Add(Report{}, nil))
//	pushed, err := client.Flows().Push(ctx, flow, nil)
//
// A flow is built by one goroutine at a time. It may be pushed again: that is another flow with the same jobs.
type Flow struct {
	// Name is what people call it: up to 128 characters. Default: none.
	Name string
	// OnParentFailure is for edges that say nothing else. Default: ParentFailureCascade.
	OnParentFailure ParentFailurePolicy

	nodes []*FlowNode
}

// FlowNode is a job of a flow to push, made by Flow.Add.
type FlowNode struct {
	flow    *Flow
	name    string
	args    JobArgs
	options *PushOptions
	parents []flowEdge
}

// flowEdge is what a node waits for: a node of its flow, or a job that exists.
type flowEdge struct {
	node      *FlowNode
	jobID     string
	onFailure ParentFailurePolicy
}

// FlowStep is a part of a flow: a FlowNode, or what Chain, Group and Join make of several.
type FlowStep interface {
	// begins are the nodes that wait for what comes before the step.
	begins() []*FlowNode
	// ends are the nodes that what comes after the step waits for.
	ends() []*FlowNode
}

// NewFlow begins a flow; the name may be empty.
func NewFlow(name string) *Flow { return &Flow{Name: name} }

// Add adds a job that waits for nothing yet; options may be nil. Delay and TTL count from the push of the flow; Unique is
// not allowed.
func (f *Flow) Add(args JobArgs, options *PushOptions) *FlowNode {
	node := &FlowNode{flow: f, args: args, options: options}
	f.nodes = append(f.nodes, node)
	return node
}

// Named gives the node the local name by which its children and readers know it: [A-Za-z0-9._-]{1,128}, no two alike.
// Default: the kind of its job, with a number behind it where that is taken ("send", "send-2").
func (n *FlowNode) Named(name string) *FlowNode {
	n.name = name
	return n
}

// After lets the node wait until the steps are finished.
func (n *FlowNode) After(steps ...FlowStep) *FlowNode { return n.AfterWith("", steps...) }

// AfterWith is After with a policy for these parents instead of the flow's.
func (n *FlowNode) AfterWith(onFailure ParentFailurePolicy, steps ...FlowStep) *FlowNode {
	for _, step := range steps {
		for _, parent := range step.ends() {
			n.wait(flowEdge{node: parent, onFailure: onFailure})
		}
	}
	return n
}

// AfterJob lets the node wait until a job is finished that exists already; onFailure may be empty for the flow's policy.
func (n *FlowNode) AfterJob(jobID string, onFailure ParentFailurePolicy) *FlowNode {
	n.wait(flowEdge{jobID: jobID, onFailure: onFailure})
	return n
}

// wait adds an edge, or changes the policy of one that is there.
func (n *FlowNode) wait(edge flowEdge) {
	same := func(one flowEdge) bool { return one.node == edge.node && one.jobID == edge.jobID }
	if known := slices.IndexFunc(n.parents, same); known >= 0 {
		n.parents[known].onFailure = cmp.Or(edge.onFailure, n.parents[known].onFailure)
		return
	}
	n.parents = append(n.parents, edge)
}

func (n *FlowNode) begins() []*FlowNode { return []*FlowNode{n} }

func (n *FlowNode) ends() []*FlowNode { return []*FlowNode{n} }

// flowPart is a step of several nodes.
type flowPart struct{ first, last []*FlowNode }

func (p flowPart) begins() []*FlowNode { return p.first }

func (p flowPart) ends() []*FlowNode { return p.last }

// Chain lets each step wait for the one before it.
func (f *Flow) Chain(steps ...FlowStep) FlowStep {
	if len(steps) == 0 {
		return flowPart{}
	}
	for index, step := range steps[1:] {
		for _, node := range step.begins() {
			node.After(steps[index])
		}
	}
	return flowPart{first: steps[0].begins(), last: steps[len(steps)-1].ends()}
}

// Group makes one step of several that run side by side: what waits for it waits for all of them.
func (f *Flow) Group(steps ...FlowStep) FlowStep {
	var all flowPart
	for _, step := range steps {
		all.first = append(all.first, step.begins()...)
		all.last = append(all.last, step.ends()...)
	}
	return all
}

// Join lets one job wait for all the steps, which run side by side, and makes one step of it all.
func (f *Flow) Join(last *FlowNode, steps ...FlowStep) FlowStep {
	return f.Chain(f.Group(steps...), last)
}

// proto makes the flow as the contract carries it, and returns the names of its nodes in their order. What only the server
// can judge (names, circles, limits) is left to it.
func (f *Flow) proto(codec Codec) (*rockqueuepb.PushFlowRequest, []string, error) {
	policy, err := f.OnParentFailure.proto()
	if err != nil {
		return nil, nil, err
	}
	names := f.names()
	request := &rockqueuepb.PushFlowRequest{
		Name: f.Name, OnParentFailure: policy, Nodes: make([]*rockqueuepb.FlowNode, len(f.nodes)),
	}
	ordered := make([]string, len(f.nodes))
	for index, node := range f.nodes {
		ordered[index] = names[node]
		if request.Nodes[index], err = node.proto(names, codec); err != nil {
			return nil, nil, err
		}
	}
	return request, ordered, nil
}

func (n *FlowNode) proto(names map[*FlowNode]string, codec Codec) (*rockqueuepb.FlowNode, error) {
	spec, err := buildSpec(n.args, n.options, codec)
	if err != nil {
		return nil, err
	}
	made := &rockqueuepb.FlowNode{Name: names[n], Job: spec}
	for _, edge := range n.parents {
		policy, err := edge.onFailure.proto()
		if err != nil {
			return nil, err
		}
		parent := &rockqueuepb.FlowEdge{OnFailure: policy}
		switch {
		case edge.node == nil:
			parent.Parent = &rockqueuepb.FlowEdge_JobId{JobId: edge.jobID}
		case edge.node.flow != n.flow:
			return nil, misuse("node %q waits for %q, which is a node of another flow", names[n], edge.node.args.Kind())
		default:
			parent.Parent = &rockqueuepb.FlowEdge_Node{Node: names[edge.node]}
		}
		made.Parents = append(made.Parents, parent)
	}
	return made, nil
}

// names gives those nodes a name that have none: their kind, numbered where it is taken.
func (f *Flow) names() map[*FlowNode]string {
	names, taken := make(map[*FlowNode]string, len(f.nodes)), make(map[string]bool, len(f.nodes))
	for _, node := range f.nodes {
		if node.name != "" {
			names[node], taken[node.name] = node.name, true
		}
	}
	numbers := make(map[string]int)
	for _, node := range f.nodes {
		if node.name != "" || node.args == nil {
			continue
		}
		kind := node.args.Kind()
		name := cutText(kind, nodeNameBytes)
		for taken[name] {
			numbers[kind]++
			number := "-" + strconv.Itoa(numbers[kind]+1)
			name = cutText(kind, nodeNameBytes-len(number)) + number
		}
		names[node], taken[name] = name, true
	}
	return names
}

func (p ParentFailurePolicy) proto() (rockqueuepb.ParentFailurePolicy, error) {
	return numberOf[rockqueuepb.ParentFailurePolicy](
		string(p), rockqueuepb.ParentFailurePolicy_value, parentFailurePrefix, "a policy for parents that fail")
}
