"""What is on disk of flows: noticed when it does not agree, kept over a restart, and found by those who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from flow_bench import IGNORE, edge, node, push_flow
from queue_bench import QueueBench, bench, seconds, spec

from rockqueue.v1 import job_pb2, job_service_pb2, work_service_pb2
from rockqueue_server.engine.flows import records
from rockqueue_server.engine.flows.push import MOST_WATCHED
from rockqueue_server.errors import ServiceError
from rockqueue_server.rules.ids import parse_id
from rockqueue_server.store.base import StorageFull

Change = Callable[[bytes], bytes | None]


def id_of(text: str) -> bytes:
    job_id = parse_id(text)
    assert job_id is not None
    return job_id


class Damage:
    """Changes one record, and puts it right again."""

    def __init__(self, opened: QueueBench, column: str, key: bytes) -> None:
        self._store = opened.core.engine.store
        self._column = self._store.column(column)
        self._key = key
        self.before = self._column.get(key)

    def put(self, value: bytes | None) -> None:
        batch = self._store.batch()
        if value is None:
            batch.delete(self._key, self._column.handle)
        else:
            batch.put(self._key, value, self._column.handle)
        self._store.write(batch)

    def mend(self) -> None:
        self.put(self.before)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("blocked by one more", "waits for job"),
        ("blocked by nothing", "would never run"),
        ("not blocked", "is in no state"),
        ("one more completed", "counters say"),
        ("ended for its flow only", "has ended for its flow"),
        ("not watched", "nobody would notice"),
        ("no children", "does not know job"),
    ],
)
async def test_records_that_do_not_agree_are_noticed(queue_bench: QueueBench, what: str, told: str) -> None:
    (outside,) = await queue_bench.push(spec("other"))
    flow = await push_flow(queue_bench, node("a"), node("b"), node("c", "a", "b", edge(job_id=outside)))
    await flow.run("a")
    a, b, c = (id_of(flow.jobs[name]) for name in "abc")
    flow_id, queue = id_of(flow.id), queue_bench.core.engine.queues.by_name["mail"].number
    blocked = records.blocked_key(queue, c)
    changes: dict[str, tuple[str, bytes, Change]] = {
        "blocked by one more": ("blocked", blocked, lambda _: records.pack_pending(0b111)),
        "blocked by nothing": ("blocked", blocked, lambda _: records.pack_pending(0)),
        "not blocked": ("blocked", blocked, lambda _: None),
        "one more completed": (
            "flows",
            records.COUNTS + flow_id,
            lambda value: records.pack_counts(records.unpack_counts(value)._replace(completed=2)),
        ),
        "ended for its flow only": (
            "flows",
            records.JOB + b,
            lambda value: records.pack_member(records.unpack_member(value)._replace(outcome=6)),
        ),
        "not watched": ("flows", records.OUTSIDE + id_of(outside), lambda _: None),
        "no children": ("flows", records.edges_key(b, flow_id, 0), lambda _: None),
    }
    column, key, change = changes[what]
    assert await queue_bench.problems() == []
    damage = Damage(queue_bench, column, key)
    assert damage.before is not None
    damage.put(change(damage.before))
    assert any(told in problem for problem in await queue_bench.problems())
    damage.mend()
    assert a in {key[1:] for key, _ in queue_bench.core.engine.columns.flows.scan(b"j", b"k", 10)}


async def test_who_waits_for_a_blocked_job_is_told_that_it_was_given_up(queue_bench: QueueBench) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a"))
    request = job_service_pb2.WaitJobRequest(job_id=flow.jobs["b"], timeout=seconds(60))
    waiting = asyncio.create_task(queue_bench.core.jobs.wait_job(request))
    await asyncio.sleep(0)
    await flow.run("a", fail=True)
    async with asyncio.timeout(10):
        answer = await waiting
    assert (answer.finished, answer.job.state) == (True, job_pb2.JOB_STATE_DEAD)


async def test_a_parent_outside_is_waited_for_after_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as first:
        (parent,) = await first.push(spec("other"))
        flow = await push_flow(first, node("a", edge(job_id=parent)), node("b", edge("a", IGNORE)))
    async with bench(tmp_path / "jobs.db") as again:
        flow.bench = again
        assert await flow.states() == {"a": "BLOCKED", "b": "BLOCKED"}
        (delivery,) = await again.pull("other")
        await again.complete(delivery)
        assert await flow.states() == {"a": "WAITING", "b": "BLOCKED"}
        assert again.core.engine.flows.watched == set()


async def test_a_job_that_ends_in_the_fast_way_is_noticed(queue_bench: QueueBench) -> None:
    ids = await queue_bench.push(*(spec("other") for _ in range(20)))
    flow = await push_flow(queue_bench, node("a", edge(job_id=ids[7])))
    settlements = [
        work_service_pb2.Settlement(lease_token=delivery.lease_token, complete=work_service_pb2.Complete())
        for delivery in await queue_bench.pull("other")
    ]
    assert set(await queue_bench.settle(*settlements)) == {""}
    assert await flow.states() == {"a": "WAITING"}


async def test_a_settlement_that_meets_a_full_disk_takes_nobody_further(
    queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = await push_flow(queue_bench, node("a"), node("b", "a"))
    (delivery,) = await queue_bench.pull()
    store = queue_bench.core.engine.store
    real = store.write

    def refuse(_: object) -> None:
        monkeypatch.setattr(store, "write", real)
        raise StorageFull("No space left")

    monkeypatch.setattr(store, "write", refuse)
    with pytest.raises(ServiceError, match="STORAGE_FAILED"):
        await queue_bench.complete(delivery)
    assert await flow.states() == {"a": "ACTIVE", "b": "BLOCKED"}
    assert await queue_bench.complete(delivery) == ""
    assert await flow.states() == {"a": "COMPLETED", "b": "WAITING"}


async def test_what_is_watched_is_bounded(queue_bench: QueueBench) -> None:
    (parent,) = await queue_bench.push()
    watched = queue_bench.core.engine.flows.watched
    others = {number.to_bytes(16, "big") for number in range(MOST_WATCHED)}
    watched |= others
    with pytest.raises(ServiceError, match="OVERLOADED"):
        await push_flow(queue_bench, node("a", edge(job_id=parent)))
    watched -= others


async def test_a_blocked_job_of_a_group_is_one_of_its_group_when_it_waits(queue_bench: QueueBench) -> None:
    flow = await push_flow(
        queue_bench, node("a", group="g", tags=["t"]), node("b", "a", group="g", tags=["t"]), node("c", "b", group="h")
    )
    tagged = job_service_pb2.ListJobsRequest(filter=job_service_pb2.JobFilter(tags=["t"]))
    assert len((await queue_bench.core.jobs.list_jobs(tagged)).jobs) == 2
    for name in "abc":
        await flow.run(name)
    assert await flow.state() == "COMPLETED"
