"""A core on a new directory, with a clock that stands still, in few words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from google.protobuf.duration_pb2 import Duration

from rockqueue.testing.v1 import clock_service_pb2, store_service_pb2
from rockqueue.v1 import event_service_pb2, job_pb2, job_service_pb2, queue_service_pb2, work_service_pb2
from rockqueue_server.core import Core, CoreOptions

LIMIT_S = 20


def seconds(value: float) -> Duration:
    """A Duration."""
    return Duration(seconds=int(value), nanos=round(value % 1 * 1e9))


def spec(queue: str = "mail", name: str = "send", **fields: object) -> job_pb2.JobSpec:
    """A job to push."""
    return job_pb2.JobSpec(queue=queue, name=name, **fields)  # type: ignore[arg-type]


class QueueBench:
    """Calls of the services, with the fields that tests care about."""

    def __init__(self, core: Core) -> None:
        self.core = core

    async def push(self, *specs: job_pb2.JobSpec, request_id: str = "") -> list[str]:
        """Pushes a batch; returns the ids."""
        request = job_service_pb2.PushJobsRequest(request_id=request_id, jobs=specs or [spec()])
        return [job.job_id for job in (await self.core.jobs.push_jobs(request)).jobs]

    async def pull(self, *queues: str, most: int = 1000, **fields: object) -> list[work_service_pb2.Delivery]:
        """Takes what is there now."""
        request = work_service_pb2.PullJobsRequest(
            queues=queues or ["mail"],
            worker="w",
            max_jobs=most,
            timeout=seconds(0),
            **fields,  # type: ignore[arg-type]
        )
        return list((await self.core.work.pull_jobs(request)).deliveries)

    async def settle(self, *settlements: work_service_pb2.Settlement) -> list[str]:
        """Settles; returns the reason of each entry, "" for those carried out."""
        request = work_service_pb2.SettleJobsRequest(settlements=settlements)
        return [result.reason for result in (await self.core.work.settle_jobs(request)).results]

    async def complete(self, delivery: work_service_pb2.Delivery, result: bytes = b"") -> str:
        """Completes one delivery; returns the reason."""
        settlement = work_service_pb2.Settlement(
            lease_token=delivery.lease_token, complete=work_service_pb2.Complete(result=result)
        )
        return (await self.settle(settlement))[0]

    async def fail(self, delivery: work_service_pb2.Delivery, **fields: object) -> str:
        """Fails one delivery; returns the reason."""
        fail = work_service_pb2.Fail(error=job_pb2.JobError(type="Boom", message="it broke"), **fields)  # type: ignore[arg-type]
        return (await self.settle(work_service_pb2.Settlement(lease_token=delivery.lease_token, fail=fail)))[0]

    async def get(self, job_id: str) -> job_pb2.Job:
        """One job."""
        return (await self.core.jobs.get_job(job_service_pb2.GetJobRequest(job_id=job_id))).job

    async def state(self, job_id: str) -> str:
        """The name of a job's state."""
        return job_pb2.JobState.Name((await self.get(job_id)).state).removeprefix("JOB_STATE_")

    async def queue(self, name: str = "mail") -> queue_service_pb2.Queue:
        """One queue."""
        return (await self.core.queues.get_queue(queue_service_pb2.GetQueueRequest(queue=name))).queue

    async def update(self, queue: str = "mail", **settings: object) -> None:
        """Changes settings of a queue."""
        request = queue_service_pb2.UpdateQueueRequest(
            queue=queue,
            settings=queue_service_pb2.QueueSettings(**settings),  # type: ignore[arg-type]
        )
        await self.core.queues.update_queue(request)

    async def advance(self, by_s: float) -> None:
        """Turns the clock."""
        assert self.core.clock is not None
        await self.core.clock.advance_clock(clock_service_pb2.AdvanceClockRequest(by=seconds(by_s)))

    async def problems(self) -> list[str]:
        """What does not agree in the store."""
        assert self.core.store is not None
        return list((await self.core.store.verify_store(store_service_pb2.VerifyStoreRequest())).problems)

    async def events(self, count: int, **request: object) -> list[event_service_pb2.Event]:
        """The next `count` events."""
        found: list[event_service_pb2.Event] = []
        watch = self.core.events.watch_events(event_service_pb2.WatchEventsRequest(**request))  # type: ignore[arg-type]
        async with asyncio.timeout(LIMIT_S):
            async for response in watch:
                found.extend(response.events)
                if len(found) >= count:
                    break
        await watch.aclose()  # type: ignore[attr-defined]
        return found


@asynccontextmanager
async def bench(
    path: Path,
    *,
    embedded: bool = False,
    min_free_bytes: int = 0,
    backup_dir: Path | None = None,
    options: CoreOptions | None = None,
) -> AsyncGenerator[QueueBench]:
    """Opens a core with a frozen clock, and closes it; the books must balance in the end."""
    options = options or CoreOptions(
        testing=True, embedded=embedded, min_free_bytes=min_free_bytes, backup_dir=backup_dir
    )
    core = await Core.open(path, options)
    assert core.clock is not None
    await core.clock.freeze_clock(clock_service_pb2.FreezeClockRequest())
    opened = QueueBench(core)
    try:
        yield opened
        if not core.failed.is_set():
            assert await opened.problems() == []
    finally:
        await core.close()
