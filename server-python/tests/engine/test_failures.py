"""When the disk says no: nothing false is answered, and nothing in memory runs ahead of the disk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from queue_bench import QueueBench, bench, spec

from rockqueue.v1 import work_service_pb2
from rockqueue_server.errors import ServiceError
from rockqueue_server.store.base import Batch, StorageFailed, StorageFull


class Refusing:
    """Makes the n-th write or sync of a store fail."""

    def __init__(self, queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch) -> None:
        self._store = queue_bench.core.engine.store
        self._monkeypatch = monkeypatch

    def writes(self, error: Exception, *, after: int = 0) -> None:
        """The write after `after` others fails, once."""
        real, left = self._store.write, [after]

        def write(batch: Batch) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise error
            real(batch)

        self._monkeypatch.setattr(self._store, "write", write)

    def sync(self, error: Exception) -> None:
        """Every sync fails."""

        def sync() -> None:
            raise error

        self._monkeypatch.setattr(self._store, "sync", sync)


@pytest.fixture
def refusing(queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch) -> Refusing:
    return Refusing(queue_bench, monkeypatch)


async def test_a_push_that_meets_a_full_disk_is_unknown_and_leaves_nothing(
    queue_bench: QueueBench, refusing: Refusing
) -> None:
    refusing.writes(StorageFull("No space left"))
    with pytest.raises(ServiceError, match="STORAGE_FAILED"):
        await queue_bench.push(spec(), spec(queue="other"), request_id="one")
    ids = await queue_bench.push(spec(), request_id="one")
    assert [d.job_id for d in await queue_bench.pull()] == ids
    assert (await queue_bench.queue()).counts.active == 1


async def test_a_settlement_that_meets_a_full_disk_can_be_sent_again(
    queue_bench: QueueBench, refusing: Refusing
) -> None:
    await queue_bench.push()
    (delivery,) = await queue_bench.pull()
    refusing.writes(StorageFull("No space left"))
    with pytest.raises(ServiceError, match="STORAGE_FAILED"):
        await queue_bench.fail(delivery)
    assert await queue_bench.fail(delivery) == ""
    job = await queue_bench.get(delivery.job_id)
    assert (job.failures, len(job.errors)) == (1, 1)


async def test_deliveries_go_on_when_space_was_freed(queue_bench: QueueBench, refusing: Refusing) -> None:
    ids = await queue_bench.push(spec(), spec())
    refusing.writes(StorageFull("No space left"))
    assert await queue_bench.pull() == []
    await queue_bench.advance(2)
    assert [d.job_id for d in await queue_bench.pull()] == ids


async def test_a_lease_that_ends_while_the_disk_is_full_ends_later(queue_bench: QueueBench, refusing: Refusing) -> None:
    await queue_bench.push()
    (delivery,) = await queue_bench.pull()
    refusing.writes(StorageFull("No space left"))
    with pytest.raises(ServiceError):
        await queue_bench.advance(31)
    await queue_bench.advance(2)
    assert (await queue_bench.get(delivery.job_id)).crashes == 1


async def test_a_failed_sync_ends_everything_and_answers_nothing_false(
    queue_bench: QueueBench, refusing: Refusing
) -> None:
    refusing.sync(StorageFailed("IO error: fsync"))
    with pytest.raises(ServiceError, match="STORAGE_FAILED"):
        await asyncio.wait_for(queue_bench.push(), 10)
    assert queue_bench.core.failed.is_set()
    with pytest.raises(ServiceError, match="STORAGE_FAILED"):
        await asyncio.wait_for(queue_bench.push(), 10)


async def test_a_failed_write_that_is_not_a_full_disk_ends_everything(
    queue_bench: QueueBench, refusing: Refusing
) -> None:
    refusing.writes(StorageFailed("IO error"))
    with pytest.raises(ServiceError, match="STORAGE_FAILED"):
        await asyncio.wait_for(queue_bench.push(), 10)
    assert queue_bench.core.failed.is_set()


async def test_intake_is_refused_before_the_disk_is_full_and_what_drains_goes_on(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as opened:
        await opened.push(spec(), spec())
        (one, _) = await opened.pull()
        intake = opened.core._intake
        intake._min_free_bytes, intake._looked_at = 1 << 60, 0.0
        with pytest.raises(ServiceError, match="STORAGE_FULL") as refused:
            await opened.push()
        assert refused.value.retry_after_s
        assert await opened.complete(one) == ""
        intake._min_free_bytes, intake._looked_at = 0, 0.0
        await opened.push()


FULL_DISK = """
import asyncio, os, sys
from rockqueue.v1 import job_pb2, job_service_pb2, work_service_pb2
from rockqueue_server.core import Core, CoreOptions
from rockqueue_server.errors import ServiceError

async def main(min_free_bytes, expected):
    core = await Core.open("jobs.db", CoreOptions(min_free_bytes=min_free_bytes))
    def push():
        jobs = [job_pb2.JobSpec(queue="q", name="n", payload=os.urandom(60_000)) for _ in range(20)]
        return core.jobs.push_jobs(job_service_pb2.PushJobsRequest(jobs=jobs))
    acknowledged = unknown = 0
    with open("ballast", "wb") as ballast:
        ballast.write(bytes(110 << 20))
    for _ in range(500):
        try:
            acknowledged += len((await push()).jobs)
        except ServiceError as error:
            assert error.reason == expected, error
            unknown += 20 * (error.reason == "STORAGE_FAILED")
            break
    else:
        raise AssertionError("the disk never got full")
    os.remove("ballast")
    for _ in range(100):
        try:
            acknowledged += len((await push()).jobs)
            break
        except ServiceError as error:
            unknown += 20 * (error.reason == "STORAGE_FAILED")
            await asyncio.sleep(0.2)
    assert not core.failed.is_set()
    await core.close()
    core = await Core.open("jobs.db", CoreOptions(min_free_bytes=0))
    print(acknowledged, core.gauges().depth["q"]["WAITING"], acknowledged + unknown)
    await core.close()
asyncio.run(asyncio.wait_for(main(int(sys.argv[1]), sys.argv[2]), 50))
"""


@pytest.mark.parametrize(("min_free_mib", "expected"), [(96, "STORAGE_FULL"), (0, "STORAGE_FAILED")])
def test_a_really_full_disk_is_answered_truly_and_serves_again_after_space_was_freed(
    tmp_path: Path, min_free_mib: int, expected: str
) -> None:
    mount = tmp_path / "disk"
    mount.mkdir()
    command = (
        f'mount -t tmpfs -o size=260m none {mount} && cd {mount} && exec "$0" -c "$1" {min_free_mib << 20} {expected}'
    )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", command, sys.executable, FULL_DISK],
        capture_output=True, text=True, timeout=55, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    acknowledged, found, most = map(int, done.stdout.split()[-3:])
    assert 0 < acknowledged <= found <= most


@pytest.mark.parametrize("turns", range(6))
async def test_a_caller_that_goes_away_leaves_its_push_whole(queue_bench: QueueBench, turns: int) -> None:
    """Before it was carried out, after that, before or after it was synced: one request id makes one batch."""
    call = asyncio.create_task(queue_bench.push(*(spec() for _ in range(100)), request_id="gone"))  # noqa: RUF006 - it is kept
    for _ in range(turns):
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    ids = await queue_bench.push(*(spec() for _ in range(100)), request_id="gone")
    assert len(ids) == (await queue_bench.queue()).counts.waiting == 100


async def test_a_pull_whose_caller_goes_away_gives_its_jobs_back(queue_bench: QueueBench) -> None:
    request = work_service_pb2.PullJobsRequest(queues=["mail"], worker="w", max_jobs=5)
    call = asyncio.ensure_future(queue_bench.core.work.pull_jobs(request))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    ids = await queue_bench.push()
    assert [d.job_id for d in await queue_bench.pull()] == ids
