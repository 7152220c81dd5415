"""The bytes of a queue's backlog: what the jobs that wait or are delayed have, whatever became of them before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flow_bench import node, push_flow
from queue_bench import QueueBench, bench, seconds, spec

from rockqueue.v1 import job_pb2, job_service_pb2, queue_service_pb2, work_service_pb2
from rockqueue_server.engine.lookup import find
from rockqueue_server.errors import ServiceError
from rockqueue_server.rules import keys

WAIT = (job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED)
BIG = b"x" * 1000
REPLACE = job_pb2.UniqueKey(key="k", on_conflict=job_pb2.UNIQUE_CONFLICT_REPLACE)


async def held(queue_bench: QueueBench, queue: str = "mail") -> int:
    """How many jobs of 1,000 bytes a queue says it holds; it must be to the byte what a look at the jobs finds."""
    shown = (await queue_bench.queue(queue)).backlog_bytes
    engine = queue_bench.core.engine
    jobs = [find(engine, key) for key, _ in engine.columns.job.scan(b"", keys.END, 1000)]
    counted = sum(len(job.spec) for job in jobs if job and job.queue.name == queue and job.state in WAIT)
    assert shown == counted == queue_bench.core.gauges().backlog_bytes[queue]
    assert await queue_bench.problems() == []
    return shown // 1000


def ids(*job_ids: str) -> job_service_pb2.JobIds:
    """Jobs to change."""
    return job_service_pb2.JobIds(ids=job_ids)


async def settle(queue_bench: QueueBench, delivery: work_service_pb2.Delivery, **outcome: object) -> None:
    """Settles a delivery in a way of its own."""
    settlement = work_service_pb2.Settlement(lease_token=delivery.lease_token, **outcome)  # type: ignore[arg-type]
    assert await queue_bench.settle(settlement) == [""]


@pytest.mark.parametrize(
    "special",
    [{}, {"delay": seconds(60)}, {"tags": ["t"]}, {"group": "g"}, {"unique": job_pb2.UniqueKey(key="k")}],
    ids=["plain", "delayed", "tagged", "grouped", "unique"],
)
async def test_what_is_pushed_counts_and_what_is_delivered_does_not(
    queue_bench: QueueBench, special: dict[str, object]
) -> None:
    await queue_bench.push(spec(payload=BIG, **special), spec(payload=BIG))  # type: ignore[arg-type]
    assert await held(queue_bench) == 2
    await queue_bench.advance(61)
    assert await held(queue_bench) == 2
    deliveries = await queue_bench.pull(most=1)
    assert await held(queue_bench) == 1
    deliveries += await queue_bench.pull()
    assert await held(queue_bench) == 0
    for delivery in deliveries:
        await queue_bench.complete(delivery)
    assert await held(queue_bench) == 0


async def test_what_comes_back_counts_again(queue_bench: QueueBench) -> None:
    await queue_bench.push(*[spec(payload=BIG, group=group) for group in ("", "", "", "", "g")])
    failed, released, snoozed, lost, grouped = await queue_bench.pull()
    await queue_bench.fail(failed)
    assert await held(queue_bench) == 1
    await settle(queue_bench, released, release=work_service_pb2.Release())
    assert await held(queue_bench) == 2
    await settle(queue_bench, snoozed, snooze=work_service_pb2.Snooze(delay=seconds(900)))
    assert await held(queue_bench) == 3
    await settle(queue_bench, grouped, release=work_service_pb2.Release())
    assert await held(queue_bench) == 4
    await queue_bench.advance(31)  # the lease of the fourth runs out
    assert await held(queue_bench) == 5
    assert (await queue_bench.get(lost.job_id)).crashes == 1


async def test_follow_ups_count(queue_bench: QueueBench) -> None:
    await queue_bench.push()
    (delivery,) = await queue_bench.pull()
    follow_up = spec(queue="next", payload=BIG)
    await settle(queue_bench, delivery, complete=work_service_pb2.Complete(follow_ups=[follow_up, follow_up]))
    assert (await held(queue_bench), await held(queue_bench, "next")) == (0, 2)


async def test_what_ends_without_a_worker_gives_its_bytes_back(queue_bench: QueueBench) -> None:
    jobs = [spec(payload=BIG, delay=seconds(900)), spec(payload=BIG), spec(payload=BIG, ttl=seconds(60))]
    first = await queue_bench.push(*jobs)
    await queue_bench.core.jobs.cancel_jobs(job_service_pb2.CancelJobsRequest(jobs=ids(*first[:2])))
    assert await held(queue_bench) == 1
    await queue_bench.advance(61)
    assert await queue_bench.state(first[2]) == "DEAD"
    assert await held(queue_bench) == 0
    second = await queue_bench.push(*jobs)
    await queue_bench.core.jobs.delete_jobs(job_service_pb2.DeleteJobsRequest(jobs=ids(*second[:2])))
    assert await held(queue_bench) == 1
    await queue_bench.core.queues.purge_queue(queue_service_pb2.PurgeQueueRequest(queue="mail"))
    assert await held(queue_bench) == 0


async def test_a_job_that_expires_at_its_delivery_gives_its_bytes_back(queue_bench: QueueBench) -> None:
    await queue_bench.update(max_active=1)
    await queue_bench.push(spec(payload=BIG, ttl=seconds(60)), spec(payload=BIG))
    engine = queue_bench.core.engine
    timer_key = next(key for key, _ in engine.columns.timers.scan(b"", keys.END, 10))
    batch = engine.store.batch()
    batch.delete(timer_key, engine.columns.timers_h)  # the timer that would end it comes too late
    engine.store.write(batch)
    await queue_bench.advance(61)
    assert await held(queue_bench) == 2
    assert len(await queue_bench.pull(most=1)) == 1
    assert await held(queue_bench) == 0


async def test_what_is_put_back_counts_where_it_goes(queue_bench: QueueBench) -> None:
    jobs = await queue_bench.push(
        *[spec(payload=BIG), spec(payload=BIG, ttl=seconds(60)), spec(payload=BIG, group="g")]
    )
    await queue_bench.core.jobs.cancel_jobs(job_service_pb2.CancelJobsRequest(jobs=ids(*jobs)))
    for job_id in jobs[:2]:
        await queue_bench.core.jobs.retry_jobs(job_service_pb2.RetryJobsRequest(jobs=ids(job_id)))
    assert await held(queue_bench) == 2
    elsewhere = job_service_pb2.RetryJobsRequest(jobs=ids(jobs[2]), queue="a-queue-with-a-longer-name")
    await queue_bench.core.jobs.retry_jobs(elsewhere)
    assert (await held(queue_bench), await held(queue_bench, elsewhere.queue)) == (2, 1)
    await queue_bench.pull()
    await queue_bench.pull(elsewhere.queue)
    assert (await held(queue_bench), await held(queue_bench, elsewhere.queue)) == (0, 0)


@pytest.mark.parametrize("delay", [0, 60])
async def test_a_replaced_job_counts_with_its_new_bytes(queue_bench: QueueBench, delay: int) -> None:
    await queue_bench.push(spec(payload=BIG, unique=REPLACE, delay=seconds(delay)))
    await queue_bench.push(spec(payload=BIG * 3, unique=REPLACE), spec(payload=BIG * 2, unique=REPLACE))
    assert await held(queue_bench) == 2
    await queue_bench.push(spec(unique=REPLACE, delay=seconds(60)))
    assert await held(queue_bench) == 0
    assert (await queue_bench.queue()).counts.delayed == 1


async def test_blocked_jobs_count_once_they_wait(queue_bench: QueueBench) -> None:
    flow = await push_flow(
        queue_bench, node("a", payload=BIG), node("b", "a", payload=BIG), node("c", "a", payload=BIG, delay=seconds(60))
    )
    assert await held(queue_bench) == 1
    await flow.run("a")
    assert await held(queue_bench) == 2
    await flow.cancel()
    assert await held(queue_bench) == 0
    await flow.retry()
    assert await held(queue_bench) == 2
    lost = await push_flow(queue_bench, node("d", payload=BIG), node("e", "d", payload=BIG))
    assert await held(queue_bench) == 3
    await lost.run("d", fail=True)
    assert await held(queue_bench) == 2
    await lost.retry()
    assert await held(queue_bench) == 3
    await lost.run("d")
    assert await held(queue_bench) == 3


async def test_a_flow_counts_its_blocked_jobs_at_its_push(queue_bench: QueueBench) -> None:
    await queue_bench.update(max_backlog_bytes=2500)
    with pytest.raises(ServiceError, match="holds 0 bytes of at most 2500"):
        await push_flow(queue_bench, node("a", payload=BIG), node("b", "a", payload=BIG * 2))
    await push_flow(queue_bench, node("a", payload=BIG), node("b", "a", payload=BIG))


async def test_a_push_that_would_pass_the_limit_stores_nothing(queue_bench: QueueBench) -> None:
    await queue_bench.push()
    size = (await queue_bench.queue()).backlog_bytes
    await queue_bench.update(max_backlog_bytes=3 * size)
    with pytest.raises(ServiceError, match="raise max_backlog_bytes") as caught:
        await queue_bench.push(spec(), spec(), spec())
    assert caught.value.metadata == {"queue": "mail", "setting": "max_backlog_bytes", "limit": str(3 * size)}
    await queue_bench.push(spec(), spec())  # fits to the byte
    with pytest.raises(ServiceError, match="raise max_backlog_bytes"):
        await queue_bench.push(spec())
    with pytest.raises(ServiceError, match="raise max_backlog_bytes"):
        await queue_bench.push(spec(tags=["goes the long way"]))
    await queue_bench.pull(most=1)
    await queue_bench.push(spec())
    assert (await queue_bench.queue()).backlog_bytes == 3 * size


async def test_a_queue_over_its_limit_takes_a_replacement_that_is_smaller(queue_bench: QueueBench) -> None:
    await queue_bench.push(spec(payload=BIG, unique=REPLACE))
    await queue_bench.update(max_backlog_bytes=100)
    with pytest.raises(ServiceError, match="raise max_backlog_bytes"):
        await queue_bench.push(spec(payload=BIG * 2, unique=REPLACE))
    await queue_bench.push(spec(payload=BIG[:500], unique=REPLACE))
    assert 500 < (await queue_bench.queue()).backlog_bytes < 600


SCRIPT = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from queue_bench import bench, seconds, spec
async def main():
    async with bench(Path({path!r})) as b:
        await b.push(*[spec(payload=b"x" * 1000) for _ in range(4)], spec(payload=b"x" * 1000, delay=seconds(600)))
        done, active = await b.pull(most=2)
        await b.complete(done)
        os.kill(os.getpid(), 9)
asyncio.run(main())
"""


def left_behind(path: Path) -> None:
    """A store that a process left behind when it was killed: 1 done, 1 active, 2 waiting, 1 delayed."""
    script = SCRIPT.format(tests=str(Path(__file__).parents[1]), path=str(path))
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == -9


@pytest.mark.parametrize("embedded", [False, True], ids=["server", "embedded"])
async def test_they_outlive_a_kill(tmp_path: Path, *, embedded: bool) -> None:
    path = tmp_path / "jobs.db"
    left_behind(path)
    async with bench(path, embedded=embedded) as after:
        assert await held(after) == (4 if embedded else 3)
        await after.advance(31)
        assert await held(after) == 4  # what was with a worker counts again
    async with bench(path) as reopened:
        assert await held(reopened) == 4
