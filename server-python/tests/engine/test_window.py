"""The window of the next jobs: whatever is in memory, jobs come in the order of their keys, each once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from queue_bench import QueueBench, bench, spec

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_server.engine import queue_state


@pytest.fixture(autouse=True)
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few jobs are enough to leave it."""
    monkeypatch.setattr(queue_state, "WINDOW", 8)


async def test_a_backlog_larger_than_the_window_is_delivered_in_order(queue_bench: QueueBench) -> None:
    chance = random.Random(3)
    pushed: list[tuple[int, str]] = []
    for _ in range(40):
        priorities = [chance.randint(-2, 2) for _ in range(chance.randint(1, 5))]
        ids = await queue_bench.push(*(spec(priority=priority) for priority in priorities))
        pushed.extend((-priority, job_id) for priority, job_id in zip(priorities, ids, strict=True))
        if chance.random() < 0.4:
            for delivery in await queue_bench.pull(most=chance.randint(1, 4)):
                assert (-delivery.spec.priority, delivery.job_id) == min(pushed)
                pushed.remove(min(pushed))
    rest = [(-d.spec.priority, d.job_id) for d in await queue_bench.pull()]
    assert rest == sorted(pushed)
    assert await queue_bench.pull() == []


async def test_jobs_taken_out_of_the_middle_are_not_delivered(queue_bench: QueueBench) -> None:
    ids = await queue_bench.push(*(spec() for _ in range(60)))
    assert [d.job_id for d in await queue_bench.pull(most=3)] == ids[:3]
    gone = ids[4:60:3]
    request = job_service_pb2.CancelJobsRequest(jobs=job_service_pb2.JobIds(ids=gone))
    assert (await queue_bench.core.jobs.cancel_jobs(request)).affected == len(gone)
    assert [d.job_id for d in await queue_bench.pull()] == [job_id for job_id in ids[3:] if job_id not in gone]


async def test_the_window_is_the_same_after_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as first:
        ids = await first.push(*(spec(priority=i % 3) for i in range(50)))
        taken = [d.job_id for d in await first.pull(most=20)]
    async with bench(tmp_path / "jobs.db") as second:
        rest = [d.job_id for d in await second.pull()]
    assert taken + rest == [ids[i] for p in (2, 1, 0) for i in range(50) if i % 3 == p]


async def test_a_job_that_is_replaced_where_it_stands_is_delivered_once(queue_bench: QueueBench) -> None:
    assert await queue_bench.pull() == []
    unique = job_pb2.UniqueKey(key="k", on_conflict=job_pb2.UNIQUE_CONFLICT_REPLACE)
    (first,) = await queue_bench.push(spec(unique=unique, payload=b"1"))
    await queue_bench.push(spec())
    assert await queue_bench.push(spec(unique=unique, payload=b"2")) == [first]
    delivered = await queue_bench.pull()
    assert [(d.job_id == first, d.spec.payload) for d in delivered] == [(True, b"2"), (False, b"")]
