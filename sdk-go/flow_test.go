package rockqueue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// flowPushed answers a push of a flow with ids that tell the names of its nodes.
func flowPushed(_ context.Context, request proto.Message) (proto.Message, error) {
	response := &rockqueuepb.PushFlowResponse{FlowId: "f"}
	for _, node := range request.(*rockqueuepb.PushFlowRequest).GetNodes() {
		response.JobIds = append(response.JobIds, "id-of-"+node.GetName())
	}
	return response, nil
}

// pushedGraph pushes a flow to a scripted server, and returns what the server saw, one node a line: "c <- a b!IGNORE".
func pushedGraph(t *testing.T, flow *rockqueue.Flow) (string, *rockqueue.PushedFlow, *rockqueuepb.PushFlowRequest) {
	t.Helper()
	server := scripted.New(t)
	server.Answer("PushFlow", flowPushed)
	pushed, err := clientOf(t, server, rockqueue.Config{}).Flows().Push(within(t), flow, nil)
	noError(t, err)
	request := server.Calls("PushFlow")[0].Request.(*rockqueuepb.PushFlowRequest)
	var lines []string
	for _, node := range request.GetNodes() {
		line := node.GetName() + " <-"
		for _, edge := range node.GetParents() {
			line += " " + edge.GetNode() + edge.GetJobId()
			if policy := edge.GetOnFailure(); policy != 0 {
				line += "!" + strings.TrimPrefix(policy.String(), "PARENT_FAILURE_POLICY_")
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n"), pushed, request
}

func TestAFlowIsSentAsItWasBuilt(t *testing.T) {
	flow := rockqueue.NewFlow("import")
	flow.OnParentFailure = rockqueue.ParentFailureCancel
	a := flow.Add(named("fetch", 1), in("other")).Named("a")
	b := flow.Add(named("parse", nil), nil).Named("b").After(a)
	flow.Add(named("store", nil), nil).Named("c").After(a).AfterWith(rockqueue.ParentFailureIgnore, b).
		AfterJob("j", rockqueue.ParentFailureCascade)
	graph, pushed, request := pushedGraph(t, flow)
	equal(t, graph, "a <-\nb <- a\nc <- a b!IGNORE j!CASCADE", "graph")
	equal(t, request.GetName(), "import", "name")
	equal(t, request.GetOnParentFailure(), rockqueuepb.ParentFailurePolicy_PARENT_FAILURE_POLICY_CANCEL, "policy")
	equal(t, request.GetDurability(), rockqueuepb.Durability_DURABILITY_FSYNC, "durability")
	equal(t, len(request.GetRequestId()) > 0, true, "request id")
	equal(t, request.GetNodes()[0].GetJob().GetQueue(), "other", "queue")
	equal(t, string(request.GetNodes()[0].GetJob().GetPayload()), "1", "payload")
	equal(t, pushed.ID, "f", "id")
	equal(t, pushed.JobIDs["b"], "id-of-b", "id by name")
	equal(t, pushed.JobID(b), "id-of-b", "id by node")
	equal(t, pushed.JobID(nil), "", "id of nothing")
}

func TestChainsGroupsAndJoinsAreParts(t *testing.T) {
	flow := rockqueue.NewFlow("")
	node := func(name string) *rockqueue.FlowNode { return flow.Add(named("work", nil), nil).Named(name) }
	fan := flow.Group(node("b"), flow.Chain(node("c"), node("d")))
	chord := flow.Join(node("g"), node("e"), node("f"))
	flow.Chain(node("a"), fan, chord, flow.Chain(), node("h"))
	graph, _, _ := pushedGraph(t, flow)
	equal(t, graph, "b <- a\nc <- a\nd <- c\ng <- e f\ne <- b d\nf <- b d\na <-\nh <-", "graph")
}

func TestNodesWithoutANameAreCalledByTheirKind(t *testing.T) {
	flow := rockqueue.NewFlow("")
	flow.Add(named("send", nil), nil)
	flow.Add(named("send", nil), nil)
	flow.Add(named("other", nil), nil).Named("send-2")
	flow.Add(named("send", nil), nil)
	long := strings.Repeat("x", 200)
	flow.Add(named(long, nil), nil)
	flow.Add(named(long, nil), nil)
	graph, _, _ := pushedGraph(t, flow)
	equal(t, graph, fmt.Sprintf("send <-\nsend-3 <-\nsend-2 <-\nsend-4 <-\n%s <-\n%s-2 <-", long[:128], long[:126]), "graph")
}

func TestAnEdgeThatIsNamedTwiceIsOneEdge(t *testing.T) {
	flow := rockqueue.NewFlow("")
	a := flow.Add(named("a", nil), nil)
	flow.Add(named("b", nil), nil).After(a, a).AfterWith(rockqueue.ParentFailureIgnore, a).After(a)
	graph, _, _ := pushedGraph(t, flow)
	equal(t, graph, "a <-\nb <- a!IGNORE", "graph")
}

func TestWhatMakesNoSenseInAFlowIsFoundBeforeItIsSent(t *testing.T) {
	foreign := rockqueue.NewFlow("").Add(named("elsewhere", nil), nil)
	server := scripted.New(t)
	client := clientOf(t, server, rockqueue.Config{PushMiddleware: []rockqueue.PushMiddleware{
		func(ctx context.Context, jobs []*rockqueuepb.JobSpec, push rockqueue.PushFunc) ([]rockqueue.PushedJob, error) {
			return push(ctx, jobs[1:])
		},
	}})
	for what, build := range map[string]func(*rockqueue.Flow){
		"another flow":       func(flow *rockqueue.Flow) { flow.Add(named("a", nil), nil).After(foreign) },
		"needs arguments":    func(flow *rockqueue.Flow) { flow.Add(nil, nil) },
		"policy for parents": func(flow *rockqueue.Flow) { flow.OnParentFailure = "explode" },
		"0 jobs of the 1":    func(flow *rockqueue.Flow) { flow.Add(named("a", nil), nil) },
	} {
		flow := rockqueue.NewFlow("")
		build(flow)
		_, err := client.Flows().Push(within(t), flow, nil)
		if !errors.Is(err, rockqueue.ErrUsage) || !strings.Contains(err.Error(), what) {
			t.Errorf("expected ErrUsage about %q, got %v", what, err)
		}
	}
	equal(t, len(server.Calls("PushFlow")), 0, "calls")
}

func TestAFlowGoesThroughTheMiddlewareOfPushes(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushFlow", flowPushed)
	client := clientOf(t, server, rockqueue.Config{PushMiddleware: []rockqueue.PushMiddleware{
		func(ctx context.Context, jobs []*rockqueuepb.JobSpec, push rockqueue.PushFunc) ([]rockqueue.PushedJob, error) {
			for _, job := range jobs {
				job.Headers = map[string]string{"traceparent": "t"}
			}
			return push(ctx, jobs)
		},
	}})
	flow := rockqueue.NewFlow("")
	flow.Chain(flow.Add(named("a", nil), nil), flow.Add(named("b", nil), nil))
	pushed, err := client.Flows().Push(within(t), flow, &rockqueue.PushFlowOptions{Durability: rockqueue.DurabilityWAL})
	noError(t, err)
	equal(t, pushed.JobIDs["b"], "id-of-b", "id")
	request := server.Calls("PushFlow")[0].Request.(*rockqueuepb.PushFlowRequest)
	equal(t, request.GetDurability(), rockqueuepb.Durability_DURABILITY_WAL, "durability")
	for _, node := range request.GetNodes() {
		equal(t, node.GetJob().GetHeaders()["traceparent"], "t", "header")
	}
}

func TestACircleIsAnErrorOfItsOwn(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushFlow", scripted.Refuse(codes.InvalidArgument, "FLOW_CYCLE", map[string]string{"cycle": "a -> b -> a"}))
	flow := rockqueue.NewFlow("")
	a, b := flow.Add(named("a", nil), nil), flow.Add(named("b", nil), nil)
	a.After(b.After(a))
	_, err := clientOf(t, server, rockqueue.Config{}).Flows().Push(within(t), flow, nil)
	var known *rockqueue.Error
	if !errors.Is(err, rockqueue.ErrFlowCycle) || !errors.Is(err, rockqueue.ErrInvalidRequest) || !errors.As(err, &known) {
		t.Fatalf("expected ErrFlowCycle, got %v", err)
	}
	equal(t, known.Metadata["cycle"], "a -> b -> a", "circle")
}

func TestAFlowWhoseReplyWasLostIsAskedForAgainUnderTheSameID(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PushFlow", scripted.Refuse(codes.Unavailable, "SHUTTING_DOWN", nil), flowPushed)
	flow := rockqueue.NewFlow("")
	flow.Add(named("a", nil), nil)
	_, err := clientOf(t, server, rockqueue.Config{}).Flows().Push(within(t), flow, nil)
	noError(t, err)
	calls := server.Calls("PushFlow")
	equal(t, len(calls), 2, "attempts")
	first, second := calls[0].Request.(*rockqueuepb.PushFlowRequest), calls[1].Request.(*rockqueuepb.PushFlowRequest)
	equal(t, first.GetRequestId(), second.GetRequestId(), "request id")
}

// flowAnswer is a flow in a state, with a page of its graph.
func flowAnswer(state rockqueuepb.FlowState, next string, nodes ...string) scripted.Answer {
	response := &rockqueuepb.GetFlowResponse{Flow: &rockqueuepb.Flow{Id: "f", State: state}, NextPageToken: next}
	for _, node := range nodes {
		response.Jobs = append(response.Jobs, &rockqueuepb.FlowJob{Node: node})
	}
	return scripted.Reply(response)
}

func TestWhoWaitsForAFlowLooksAgainWhenItIsFinished(t *testing.T) {
	server := scripted.New(t)
	finished := events("1", "1")
	finished.Events[0].Type = rockqueuepb.EventType_EVENT_TYPE_FLOW_FINISHED
	server.Watch(watch(nil, events("0"), finished))
	running, failed := rockqueuepb.FlowState_FLOW_STATE_RUNNING, rockqueuepb.FlowState_FLOW_STATE_FAILED
	server.Answer("GetFlow", flowAnswer(running, "x", "a"), flowAnswer(failed, "x", "a"),
		flowAnswer(failed, "x", "a", "b"), flowAnswer(failed, "", "c"))
	flow, err := clientOf(t, server, rockqueue.Config{}).Flows().Wait(within(t), "f")
	noError(t, err)
	equal(t, flow.State, rockqueue.FlowFailed, "state")
	equal(t, len(flow.Graph), 3, "jobs of the graph")
	equal(t, flow.Graph[2].Node, "c", "last node")
	request := server.Calls("WatchEvents")[0].Request.(*rockqueuepb.WatchEventsRequest)
	equal(t, strings.Join(request.GetFilter().GetFlowIds(), ","), "f", "filter")
}

func TestWhoWaitsForAFlowThatIsNotThereHearsSo(t *testing.T) {
	server := scripted.New(t)
	server.Watch(watch(nil, events("0")))
	server.Answer("GetFlow", scripted.Refuse(codes.NotFound, "FLOW_NOT_FOUND", nil))
	_, err := clientOf(t, server, rockqueue.Config{}).Flows().Wait(within(t), "f")
	if !errors.Is(err, rockqueue.ErrFlowNotFound) || !errors.Is(err, rockqueue.ErrNotFound) {
		t.Fatalf("expected ErrFlowNotFound, got %v", err)
	}
}

func TestWaitingForAFlowEndsWithTheContext(t *testing.T) {
	server := scripted.New(t)
	server.Watch(watch(nil, events("0")))
	server.Answer("GetFlow", flowAnswer(rockqueuepb.FlowState_FLOW_STATE_RUNNING, ""))
	ctx, leave := context.WithCancel(within(t))
	ended := make(chan error, 1)
	client := clientOf(t, server, rockqueue.Config{})
	go func() {
		_, err := client.Flows().Wait(ctx, "f")
		ended <- err
	}()
	server.Until("the flow was looked at", func() bool { return len(server.Calls("GetFlow")) > 0 })
	leave()
	if err := receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Fatalf("expected context.Canceled, got %v", err)
	}
}
