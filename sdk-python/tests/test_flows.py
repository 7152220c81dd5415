"""Flows: graphs as the builder makes them, and jobs that wait for jobs."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from scripted import Refusal, ScriptedServer

import rockqueue
from rockqueue import Client, EventType, FlowState, JobContext, JobState, NewJob, Worker
from rockqueue.flows import Flow, chain, group, join
from rockqueue.testing import RockQueueServer
from rockqueue.v1 import flow_service_pb2 as pb


@rockqueue.job(queue="import")
async def fetch(url: str) -> int:
    return len(url)


@rockqueue.job(queue="import")
async def render(ctx: JobContext, page: int) -> str:
    found = await ctx.parents()
    return f"page {page} of {found['fetch'].result}"


@rockqueue.job(queue="import")
def report(ctx: JobContext) -> dict[str, Any]:
    return {node: parent.result for node, parent in ctx.parents_in_thread().items()}


def edges(flow: Flow) -> dict[str, list[str]]:
    """The parents of each node, by its name."""
    sent = flow.to_proto(rockqueue.JSON)
    return {node.name: [edge.node or edge.job_id for edge in node.parents] for node in sent.nodes}


def test_nodes_are_named_after_their_jobs() -> None:
    flow = Flow("import")
    first = flow.add(fetch.new(url="a"))
    pages = flow.add(group(render.new(page=page) for page in range(2)), after=first)
    last = flow.add(report.new(), after=[first, *pages], name="the-end")
    assert edges(flow) == {
        "fetch": [],
        "render": ["fetch"],
        "render-2": ["fetch"],
        "the-end": ["fetch", "render", "render-2"],
    }
    assert [node.name for node in flow.nodes] == ["fetch", "render", "render-2", "the-end"]
    assert last.job.queue == "import"


def test_chains_groups_and_joins_nest() -> None:
    a, b, c, d = (NewJob("q", name) for name in "abcd")
    assert edges(Flow.of(chain(a, b, c))) == {"a": [], "b": ["a"], "c": ["b"]}
    assert edges(Flow.of(join([a, b], c))) == {"a": [], "b": [], "c": ["a", "b"]}
    assert edges(Flow.of(chain(a, group(chain(b, c), d), NewJob("q", "e")))) == {
        "a": [],
        "b": ["a"],
        "c": ["b"],
        "d": ["a"],
        "e": ["c", "d"],
    }
    assert edges(Flow.of(chain(a, group(), b))) == {"a": [], "b": ["a"]}


def test_names_are_free_of_each_other() -> None:
    flow = Flow()
    flow.add(NewJob("q", "a"), name="b")
    flow.add(NewJob("q", "b"))
    assert list(edges(flow)) == ["b", "b-2"]
    with pytest.raises(ValueError, match="already"):
        flow.add(NewJob("q", "a"), name="b")
    with pytest.raises(TypeError, match="single job"):
        flow.add(chain(NewJob("q", "a")), name="c")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    assert len(Flow.of(NewJob("q", "n" * 256)).nodes[0].name) <= 128


def test_policies_of_flow_and_edges() -> None:
    flow = Flow("f", on_parent_failure="cancel")
    first, other = flow.add(NewJob("q", "a")), flow.add(NewJob("q", "b"))
    flow.add(NewJob("q", "c"), after=first, on_failure="ignore").after(other, "job-id", on_failure="cascade").after([])
    flow.add(chain(NewJob("q", "d"), NewJob("q", "e")), after=rockqueue.PushedJob("p"), on_failure="ignore")
    sent = flow.to_proto(rockqueue.JSON)
    assert (sent.name, sent.on_parent_failure) == ("f", pb.PARENT_FAILURE_POLICY_CANCEL)
    ignore, cascade = pb.PARENT_FAILURE_POLICY_IGNORE, pb.PARENT_FAILURE_POLICY_CASCADE
    told = {node.name: [(edge.node, edge.job_id, edge.on_failure) for edge in node.parents] for node in sent.nodes}
    assert told["c"] == [("a", "", ignore), ("b", "", cascade), ("", "job-id", cascade)]
    assert told["d"] == [("", "p", ignore)]
    assert told["e"] == [("d", "", 0)]
    with pytest.raises(ValueError, match="on_failure"):
        flow.add(NewJob("q", "z"), after=first, on_failure="explode")  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="another flow"):
        Flow().add(NewJob("q", "z"), after=first)


async def test_a_push_is_repeated_under_one_request_id(client: Client, server: ScriptedServer) -> None:
    down = Refusal(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", retry_after_s=0.001)
    server.answer("PushFlow", down, pb.PushFlowResponse(flow_id="f", job_ids=["1", "2"]))
    pushed = await client.flows.push(Flow.of(chain(fetch.new(url="x"), report.new())))
    assert (pushed.id, pushed.job_ids) == ("f", {"fetch": "1", "report": "2"})
    first, second = server.of("PushFlow")
    assert first == second
    assert first.request_id


async def test_a_circle_is_an_error_of_its_own(client: Client, server: ScriptedServer) -> None:
    server.answer("PushFlow", Refusal(grpc.StatusCode.INVALID_ARGUMENT, "FLOW_CYCLE", {"cycle": "a -> b -> a"}))
    flow = Flow()
    a, b = flow.add(NewJob("q", "a")), flow.add(NewJob("q", "b"))
    a.after(b)
    b.after(a)
    with pytest.raises(rockqueue.FlowCycle) as caught:
        await client.flows.push(flow)
    assert caught.value.cycle == "a -> b -> a"
    assert isinstance(caught.value, rockqueue.InvalidRequest)


async def test_a_graph_is_read_to_its_last_page(client: Client, server: ScriptedServer) -> None:
    flow = pb.Flow(id="f", state=pb.FLOW_STATE_RUNNING, jobs=2)
    pages = [
        pb.GetFlowResponse(flow=flow, jobs=[pb.FlowJob(node="a", job_id="1")], next_page_token="more"),
        pb.GetFlowResponse(flow=flow, jobs=[pb.FlowJob(node="b", job_id="2", parents=[pb.FlowEdge(node="a")])]),
    ]
    server.answer("GetFlow", *pages)
    found = await client.flows.get("f")
    assert found.jobs is not None
    assert [(job.node, job.state, [one.node for one in job.parents]) for job in found.jobs] == [
        ("a", None, []),
        ("b", None, ["a"]),
    ]
    assert [request.page_token for request in server.of("GetFlow")] == ["", "more"]


async def test_a_flow_runs_parents_first_and_children_read_results(rockqueue_server: RockQueueServer) -> None:
    flow = Flow.of(chain(fetch.new(url="four"), join([render.new(page=1), render.new(page=2)], report.new())), "import")
    async with rockqueue_server.client() as client:
        pushed = await client.flows.push(flow)
        blocked = await client.get(pushed.job_ids["report"])
        assert (blocked.state, blocked.pending_parents) == (JobState.BLOCKED, 2)
        assert (blocked.origin.flow_id, blocked.origin.flow_node) == (pushed.id, "report")
        waiting = asyncio.create_task(client.flows.wait(pushed.id, timeout=20))
        ends = client.events(flow_ids=[pushed.id], types=[EventType.FLOW_FINISHED])
        async with ends as events, Worker(client, jobs=[fetch, render, report]):
            assert await report.result(client, pushed.job_ids["report"], timeout=20) == {
                "render": "page 1 of 4",
                "render-2": "page 2 of 4",
            }
            ended = await anext(events)
        assert (ended.flow_id, ended.flow_state) == (pushed.id, FlowState.COMPLETED)
        finished = await waiting
        assert (finished.name, finished.state, finished.size, finished.completed) == ("import", "COMPLETED", 4, 4)
        assert finished.jobs is not None
        assert [job.node for job in finished.jobs] == ["fetch", "render", "render-2", "report"]
        parents = await client.flows.parents(pushed.job_ids["report"])
        assert [(one.node, one.state, one.result) for one in parents] == [
            ("render", JobState.COMPLETED, "page 1 of 4"),
            ("render-2", JobState.COMPLETED, "page 2 of 4"),
        ]
        assert {job.name async for job in client.list(queue="import", flow_id=pushed.id)} == {
            "fetch", "render", "report",
        }  # fmt: skip
        assert await rockqueue_server.problems() == []


async def test_a_job_without_parents_asks_nobody(rockqueue_server: RockQueueServer) -> None:
    async with rockqueue_server.client() as client, Worker(client, jobs=[report]):
        assert await report.result(client, (await report.push(client)).id, timeout=10) == {}


async def test_waiting_for_a_flow_ends_in_time(rockqueue_server: RockQueueServer) -> None:
    async with rockqueue_server.client() as client:
        pushed = await client.flows.push(Flow.of(NewJob("q", "n")))
        with pytest.raises(rockqueue.DeadlineExceeded, match="RUNNING"):
            await client.flows.wait(pushed.id, timeout=0.2)
        with pytest.raises(rockqueue.FlowNotFound):
            await client.flows.wait("01890000-0000-7000-8000-000000000000", timeout=5)
        cancelled = await client.flows.cancel(pushed.id)
        assert (cancelled.affected, cancelled.flow.state) == (1, FlowState.CANCELLED)
        # One that is finished already needs no event.
        assert (await client.flows.wait(pushed.id, timeout=5)).cancelled == 1


def test_flows_without_a_loop(rockqueue_server: RockQueueServer) -> None:
    with rockqueue_server.sync_client() as client:
        pushed = client.flows.push(Flow.of(chain(NewJob("q", "a"), NewJob("q", "b")), "two"), durability="wal")
        assert [(flow.id, flow.jobs) for flow in client.flows.list(name="two", state="RUNNING")] == [(pushed.id, None)]
        assert client.flows.cancel(pushed.id).affected == 2
        again = client.flows.retry(pushed.id)
        assert (again.affected, again.flow.state) == (2, FlowState.RUNNING)
        assert client.get(pushed.job_ids["b"]).state is JobState.BLOCKED
        assert client.flows.get(pushed.id).finish_time is None
        assert [one.node for one in client.flows.parents(pushed.job_ids["b"])] == ["a"]
        client.flows.cancel(pushed.id)
        assert client.flows.wait(pushed.id, timeout=5).state is FlowState.CANCELLED
