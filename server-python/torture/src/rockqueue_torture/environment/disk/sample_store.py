"""A store with every kind of file and of job, left behind by a process that was killed while it held it.

Run as a program, so that the end is a real one: `python -m rockqueue_torture.environment.disk.sample_store DIR SEED`.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path

from google.protobuf.duration_pb2 import Duration

from rockqueue.v1 import job_pb2, job_service_pb2, queue_service_pb2, work_service_pb2
from rockqueue_server.core import Core, CoreOptions

# A blob file begins at 4 KiB.
BLOB_BYTES = 6_000
BATCHES = 12
BATCH = 20
GUARDED_WITHIN_S = 20.0
_SPECIALS = (
    {"delay": Duration(seconds=3600)},
    {"ttl": Duration(seconds=7200)},
    {"priority": 7, "tags": ["red", "blue"]},
    {"headers": {"trace": "1"}, "content_type": "text/plain"},
)


class Filler:
    """Puts jobs of every state into a core, in a way that a seed decides."""

    def __init__(self, core: Core, chance: random.Random, era: int) -> None:
        self._core = core
        self._chance = chance
        self._era = era

    async def fill(self) -> None:
        """Pushes, works, cancels."""
        for number in range(BATCHES):
            await self._push(number)
        deliveries = await self._pull(most=BATCH * 5)
        await self._report(deliveries[:10])
        await self._settle(deliveries)
        await self._cancel()
        await self._core.queues.pause_queue(queue_service_pb2.PauseQueueRequest(queue=f"paused-{self._era}"))

    async def _push(self, number: int) -> None:
        queues = ("mail", "image", f"paused-{self._era}")
        specs = [
            job_pb2.JobSpec(
                queue=self._chance.choice(queues),
                name=self._chance.choice(("send", "resize")),
                payload=self._bytes(BLOB_BYTES if at % 5 == 0 else 100),
                **(self._chance.choice(_SPECIALS) if at % 4 == 1 else {}),  # type: ignore[arg-type]
            )
            for at in range(BATCH)
        ]
        specs[0].unique.key = f"{self._era}-{number}"
        request = job_service_pb2.PushJobsRequest(request_id=f"{self._era}-{number}", jobs=specs)
        await self._core.jobs.push_jobs(request)

    async def _pull(self, most: int) -> list[work_service_pb2.Delivery]:
        request = work_service_pb2.PullJobsRequest(
            queues=["mail", "image"], worker="w", max_jobs=most, timeout=Duration(), lease=Duration(seconds=36_000)
        )
        return list((await self._core.work.pull_jobs(request)).deliveries)

    async def _report(self, deliveries: list[work_service_pb2.Delivery]) -> None:
        tokens = [delivery.lease_token for delivery in deliveries]
        reports = [
            work_service_pb2.JobReport(lease_token=token, percent=50, message="half", log_lines=["a line", "another"])
            for token in tokens
        ]
        await self._core.work.extend_leases(work_service_pb2.ExtendLeasesRequest(lease_tokens=tokens, reports=reports))

    async def _settle(self, deliveries: list[work_service_pb2.Delivery]) -> None:
        error = job_pb2.JobError(type="Boom", message="it broke")
        outcomes = (
            lambda: {"complete": work_service_pb2.Complete(result=self._bytes(50))},
            lambda: {"complete": work_service_pb2.Complete(result=self._bytes(BLOB_BYTES))},
            lambda: {"fail": work_service_pb2.Fail(error=error, never=True)},
            lambda: {"fail": work_service_pb2.Fail(error=error, retry_delay=Duration(seconds=3600))},
            lambda: {"release": work_service_pb2.Release()},
            lambda: {"snooze": work_service_pb2.Snooze(delay=Duration(seconds=1800))},
        )
        settlements = [
            work_service_pb2.Settlement(lease_token=delivery.lease_token, **self._chance.choice(outcomes)())  # type: ignore[arg-type]
            for delivery in deliveries[len(deliveries) // 4 :]
        ]
        answer = await self._core.work.settle_jobs(work_service_pb2.SettleJobsRequest(settlements=settlements))
        assert all(not one.reason for one in answer.results), answer

    async def _cancel(self) -> None:
        listed = await self._core.jobs.list_jobs(
            job_service_pb2.ListJobsRequest(
                filter=job_service_pb2.JobFilter(queue="image", state=job_pb2.JOB_STATE_WAITING), page_size=5
            )
        )
        jobs = job_service_pb2.JobIds(ids=[job.id for job in listed.jobs])
        request = job_service_pb2.CancelJobsRequest(jobs=jobs, request_id=f"cancel-{self._era}")
        await self._core.jobs.cancel_jobs(request)

    def _bytes(self, count: int) -> bytes:
        return self._chance.randbytes(count)


async def fill_and_die(directory: Path, seed: int) -> None:
    """Two eras: the first is closed in good order and lies in tables, the second is in the log when the end comes."""
    chance = random.Random(seed)  # noqa: S311 - a seed must give the same store again
    options = CoreOptions(min_free_bytes=0)
    core = await Core.open(directory, options)
    await Filler(core, chance, 1).fill()
    await core.close()
    core = await Core.open(directory, options)
    await Filler(core, chance, 2).fill()
    await _guarded(core, directory)
    os.kill(os.getpid(), signal.SIGKILL)


async def _guarded(core: Core, directory: Path) -> None:
    """Waits until COMMIT names the last commit: what is written after it is not guarded against a cut of the log."""
    deadline = time.monotonic() + GUARDED_WITHIN_S
    while time.monotonic() < deadline:
        commit = directory / "COMMIT"
        if commit.exists() and int(commit.read_text()) == core.engine.written:
            return
        # COMMIT is written along with an fsync, and at most once a second.
        await core.jobs.push_jobs(job_service_pb2.PushJobsRequest(jobs=[job_pb2.JobSpec(queue="mail", name="send")]))
        await asyncio.sleep(0.2)
    raise TimeoutError(f"COMMIT did not reach the last commit within {GUARDED_WITHIN_S:.0f} s")


if __name__ == "__main__":
    asyncio.run(fill_and_die(Path(sys.argv[1]), int(sys.argv[2])))
