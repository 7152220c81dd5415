"""Jobs that wait for jobs: released, given up, put back, cancelled, kept and forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest
from flow_bench import CANCEL, IGNORE, edge, node, push_flow
from queue_bench import QueueBench, bench, seconds, spec

from rockqueue.v1 import event_service_pb2, flow_service_pb2, job_pb2, job_service_pb2
from rockqueue_server.engine.flows.reading import unfinished_parents
from rockqueue_server.engine.lookup import find
from rockqueue_server.errors import ServiceError
from rockqueue_server.rules.ids import id_text, parse_id


async def test_a_chain_runs_one_job_after_the_other(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a"), node("c", "b"))
    assert await flow.states() == {"a": "WAITING", "b": "BLOCKED", "c": "BLOCKED"}
    assert (await queue_bench.queue()).counts.blocked == 2
    await flow.run("a")
    assert await flow.states() == {"a": "COMPLETED", "b": "WAITING", "c": "BLOCKED"}
    await flow.run("b")
    await flow.run("c")
    assert await flow.state() == "COMPLETED"
    assert (await flow.read()).completed == 3


async def test_a_job_waits_for_all_of_its_parents_and_reads_their_results(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("c", "b", "a"), node("a"), node("b"))
    assert (await queue_bench.get(flow.jobs["c"])).pending_parents == 2
    await flow.run("a", result=b"one")
    child = await queue_bench.get(flow.jobs["c"])
    assert (child.state, child.pending_parents) == (job_pb2.JOB_STATE_BLOCKED, 1)
    engine = queue_bench.core.engine
    found = find(engine, parse_id(flow.jobs["c"]) or b"")
    assert found is not None
    left = unfinished_parents(engine, found, 10)
    assert [id_text(job_id) for job_id in left] == [flow.jobs["b"]]
    await flow.run("b", result=b"two")
    told = (await flow.parents("c")).parents
    assert [(parent.node, parent.result) for parent in told] == [("b", b"two"), ("a", b"one")]
    first = await flow.parents("c", page_size=1)
    second = await flow.parents("c", page_size=1, page_token=first.next_page_token)
    assert [parent.node for parent in (*first.parents, *second.parents)] == ["b", "a"]
    assert second.next_page_token == ""


async def test_two_parents_that_complete_in_one_batch_release_their_child_once(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b"), node("c", "a", "b"))
    from rockqueue.v1 import work_service_pb2

    settlements = [
        work_service_pb2.Settlement(lease_token=delivery.lease_token, complete=work_service_pb2.Complete())
        for delivery in await queue_bench.pull()
    ]
    assert await queue_bench.settle(*settlements) == ["", ""]
    assert await flow.states() == {"a": "COMPLETED", "b": "COMPLETED", "c": "WAITING"}
    assert len(await queue_bench.pull()) == 1


async def test_what_cannot_go_on_is_given_up_by_the_policy_of_its_edge(queue_bench: QueueBench) -> None:
    flow = await push_flow(
        queue_bench,
        node("a"),
        node("cascade", "a"),
        node("below", "cascade"),
        node("cancel", edge("a", CANCEL)),
        node("under", "cancel"),
        node("ignore", edge("a", IGNORE)),
    )
    await flow.run("a", fail=True)
    assert await flow.states() == {
        "a": "DEAD", "cascade": "DEAD", "below": "DEAD", "cancel": "CANCELLED", "under": "DEAD", "ignore": "WAITING",
    }  # fmt: skip
    dead = await queue_bench.get(flow.jobs["below"])
    assert dead.dead_reason == job_pb2.DEAD_REASON_PARENT_FAILED
    assert await flow.state() == "RUNNING"
    await flow.run("ignore")
    read = await flow.read()
    assert (await flow.state(), read.completed, read.dead, read.cancelled) == ("FAILED", 1, 4, 1)


async def test_the_flow_says_what_edges_leave_open(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a"), on_parent_failure=CANCEL)
    await flow.run("a", fail=True)
    assert await flow.states() == {"a": "DEAD", "b": "CANCELLED"}


async def test_a_retried_flow_runs_again_from_what_did_not_complete(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a"), node("c", "b"), node("d", "a"))
    await flow.run("a")
    await flow.run("b", fail=True)
    await flow.run("d")
    assert await flow.state() == "FAILED"
    retried = await flow.retry("again")
    assert (retried.affected, retried.flow.state) == (2, flow_service_pb2.FLOW_STATE_RUNNING)
    assert (await flow.retry("again")).affected == 2
    assert await flow.states() == {"a": "COMPLETED", "b": "WAITING", "c": "BLOCKED", "d": "COMPLETED"}
    await flow.run("b")
    await flow.run("c")
    assert await flow.state() == "COMPLETED"


async def test_a_cancelled_flow_leaves_nothing_to_follow(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a"), node("c", "b"))
    assert (await flow.cancel()).affected == 3
    assert await flow.states() == {"a": "CANCELLED", "b": "CANCELLED", "c": "CANCELLED"}
    assert await flow.state() == "CANCELLED"
    assert (await flow.cancel()).affected == 0


async def test_a_worker_of_a_cancelled_flow_is_asked_to_stop(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a"))
    (delivery,) = await queue_bench.pull()
    assert (await flow.cancel()).affected == 2
    assert (await flow.states()) == {"a": "ACTIVE", "b": "CANCELLED"}
    assert await queue_bench.complete(delivery) == ""
    assert await flow.state() == "CANCELLED"


async def test_a_parent_outside_of_the_flow_is_waited_for(queue_bench: QueueBench) -> None:
    (parent,) = await queue_bench.push()
    flow = await push_flow(queue_bench, node("a", edge(job_id=parent)))
    assert await flow.states() == {"a": "BLOCKED"}
    (delivery,) = await queue_bench.pull()
    await queue_bench.complete(delivery, b"out")
    assert await flow.states() == {"a": "WAITING"}
    (found,) = (await flow.parents("a")).parents
    assert (found.node, found.job_id, found.result) == ("", parent, b"out")


async def test_a_parent_outside_that_ended_before_decides_at_once(queue_bench: QueueBench) -> None:
    done, dead = await queue_bench.push(spec(), spec())
    for delivery in await queue_bench.pull():
        await (queue_bench.complete(delivery) if delivery.job_id == done else queue_bench.fail(delivery, never=True))
    flow = await push_flow(
        queue_bench,
        node("go", edge(job_id=done)),
        node("stop", edge(job_id=dead)),
        node("below", "stop"),
        node("cancel", edge(job_id=dead, on_failure=CANCEL)),
        node("on", edge(job_id=dead, on_failure=IGNORE), edge(job_id=done)),
    )
    assert await flow.states() == {
        "go": "WAITING", "stop": "DEAD", "below": "DEAD", "cancel": "CANCELLED", "on": "WAITING",
    }  # fmt: skip


async def test_a_deleted_parent_did_not_complete(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a"))
    ids = job_service_pb2.JobIds(ids=[flow.jobs["a"]])
    await queue_bench.core.jobs.delete_jobs(job_service_pb2.DeleteJobsRequest(jobs=ids))
    assert await flow.states() == {"a": "", "b": "DEAD"}
    read = await flow.read()
    assert (read.state, read.dead, read.cancelled) == (flow_service_pb2.FLOW_STATE_FAILED, 1, 1)


async def test_a_delay_counts_from_the_push(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a", delay=seconds(10)), node("c", "a", ttl=seconds(5)))
    await flow.run("a")
    assert await flow.states() == {"a": "COMPLETED", "b": "DELAYED", "c": "WAITING"}
    await queue_bench.advance(10)
    assert await flow.states() == {"a": "COMPLETED", "b": "WAITING", "c": "DEAD"}


async def test_a_blocked_job_expires(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a", ttl=seconds(5)), node("c", edge("b", IGNORE)))
    await queue_bench.advance(5)
    assert await flow.states() == {"a": "WAITING", "b": "DEAD", "c": "WAITING"}


async def test_finished_jobs_are_kept_until_their_flow_is_finished(queue_bench: QueueBench) -> None:
    flow = await push_flow(
        queue_bench,
        node("a", retention=seconds(0)),
        node("b", "a", retention=seconds(60)),
        node("c", "b"),
    )
    await flow.run("a", result=b"kept")
    await flow.run("b")
    await queue_bench.advance(120)
    assert (await flow.parents("b")).parents[0].result == b"kept"
    await flow.run("c")
    await queue_bench.advance(0)
    assert await flow.states() == {"a": "", "b": "", "c": "COMPLETED"}
    await queue_bench.advance(7 * 86_400)
    with pytest.raises(ServiceError, match="FLOW_NOT_FOUND"):
        await flow.read()


async def test_a_flow_that_runs_again_keeps_its_jobs_again(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a", retention=seconds(60)), node("b", "a"), node("c", "b"))
    await flow.run("a")
    await flow.run("b", fail=True)
    await flow.retry()
    await queue_bench.advance(8 * 86_400)
    assert await flow.states() == {"a": "COMPLETED", "b": "WAITING", "c": "BLOCKED"}
    await flow.run("b")
    await flow.run("c")
    await queue_bench.advance(1)
    assert (await flow.states())["a"] == ""


async def test_events_of_a_flow_and_of_its_jobs_name_it(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a"))
    await queue_bench.push()
    await flow.run("a", fail=True)
    wanted = event_service_pb2.EventFilter(flow_ids=[flow.id])
    told = await queue_bench.events(8, beginning=True, filter=wanted)
    names = [event_service_pb2.EventType.Name(event.type).removeprefix("EVENT_TYPE_") for event in told]
    assert names == [
        "JOB_PUSHED", "JOB_PUSHED", "JOB_BLOCKED", "JOB_STARTED", "JOB_FAILED", "JOB_DEAD", "JOB_DEAD", "FLOW_FINISHED",
    ]  # fmt: skip
    assert {event.flow_id for event in told} == {flow.id}
    assert told[-1].flow_state == flow_service_pb2.FLOW_STATE_FAILED
    assert [event.dead_reason for event in told[5:7]] == [
        job_pb2.DEAD_REASON_NON_RETRYABLE,
        job_pb2.DEAD_REASON_PARENT_FAILED,
    ]


async def test_a_long_chain_falls_in_bounded_steps_also_across_a_restart(tmp_path: Path) -> None:
    names = [f"n{index}" for index in range(1800)]
    async with bench(tmp_path / "jobs.db") as first:
        nodes = [node(name, *names[index - 1 : index][-1:]) for index, name in enumerate(names)]
        flow = await push_flow(first, *nodes)
        await flow.run("n0", fail=True)
        read = await flow.read()
        assert 1 < read.dead < len(names)
    async with bench(tmp_path / "jobs.db") as again:
        flow.bench = again
        await again.advance(0)
        read = await flow.read()
        assert (read.dead, read.state) == (len(names), flow_service_pb2.FLOW_STATE_FAILED)


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ([], "nodes: must hold"),
        ([node("a"), node("a")], r"nodes\[1\].name"),
        ([node("a b")], r"nodes\[0\].name"),
        ([node("a", "b")], "no node of this flow"),
        ([node("a", "a")], "FLOW_CYCLE"),
        ([node("a", "c"), node("b", "a"), node("c", "b"), node("d")], "FLOW_CYCLE"),
        ([node("a"), node("b", "a", "a")], "each parent once"),
        ([node("a", flow_service_pb2.FlowEdge())], "must name a node or a job"),
        ([node("a", edge(job_id="x"))], "must be a job id"),
        ([node("a", edge(job_id="01890000-0000-7000-8000-000000000000"))], "JOB_NOT_FOUND"),
        ([node("a", unique=job_pb2.UniqueKey(key="k"))], r"job.unique"),
        ([node("a", origin=job_pb2.JobOrigin(flow_id="x"))], r"job.origin"),
        ([flow_service_pb2.FlowNode(name="a")], r"job: must be set"),
        ([node("a"), node("b", edge("a", 9))], "on_failure"),
    ],
)
async def test_a_flow_that_is_wrong_stores_nothing(
    queue_bench: QueueBench, nodes: list[flow_service_pb2.FlowNode], told: str
) -> None:
    with pytest.raises(ServiceError, match=told):
        await push_flow(queue_bench, *nodes)
    assert "mail" not in queue_bench.core.engine.queues.by_name
