"""A wall clock that is set by hours, forward and back, under a running server, and across its restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
from google.protobuf.duration_pb2 import Duration

from rockqueue.v1 import job_pb2, job_service_pb2, work_service_pb2
from rockqueue_torture.environment import books
from rockqueue_torture.environment.ledger import CALL_WITHIN_S, Ledger, ledger
from rockqueue_torture.server import Server
from rockqueue_torture.wall_clock import WallClock

STEP_S = 3 * 3600
DELAY_S = 2
# The server looks at the wall clock every 5 s.
FIRES_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.1


@dataclass(slots=True)
class Stepped:
    """What was seen after one step. `wrong` is empty when all was well; `fired_after_s` is negative for never."""

    fired_after_s: float = 0.0
    wrong: list[str] = field(default_factory=list[str])
    late: list[str] = field(default_factory=list[str])


Scenario = Callable[[Server, Ledger, WallClock, Stepped], Awaitable[None]]


async def step_wall_clock(home: Path, seed: int, scenario: Scenario) -> Stepped:
    """Plays a scenario on a server of its own, and audits what is left. Raises CompilerMissing."""
    stepped = Stepped()
    server = Server(home, arguments=["--min-free-mib", "0"])
    clock = WallClock(server)
    async with ledger(server.address, seed) as book:
        try:
            await server.start()
            await scenario(server, book, clock, stepped)
            stepped.wrong += await book.audit()
            await server.stop()
            stepped.wrong += await books.problems(server)
        finally:
            await server.kill()
    return stepped


async def forward(_: Server, book: Ledger, clock: WallClock, stepped: Stepped) -> None:
    """A delayed job is due at once when its moment is jumped over; a lease is a span of time, and goes on."""
    await book.push(count=1)
    (held,) = await _pull(book, lease_s=60)
    later = await _push_delayed(book, STEP_S // 2)
    before = (await _get(book, held.job_id)).create_time.seconds
    clock.step(STEP_S)
    stepped.fired_after_s = await _fires(book, later)
    if stepped.fired_after_s < 0:
        stepped.late.append(f"no delayed job started within {FIRES_WITHIN_S:.0f} s of a step beyond its moment")
    job = await _get(book, held.job_id)
    if job.state != job_pb2.JOB_STATE_ACTIVE or job.crashes:
        stepped.wrong.append(f"a step forward ended a lease of 60 s: {job_pb2.JobState.Name(job.state)}")
    await _settle(book, held, stepped)
    if await _time_of_push(book) - before < STEP_S - 60:
        stepped.wrong.append("the server's time did not follow the step forward")


async def back(_: Server, book: Ledger, clock: WallClock, stepped: Stepped) -> None:
    """Server time goes on; what is delayed by a span fires after that span; leases go on."""
    await book.push(count=1)
    (held,) = await _pull(book, lease_s=60)
    before = await _time_of_push(book)
    delayed = await _push_delayed(book, DELAY_S)
    clock.step(-2 * STEP_S)
    if await _time_of_push(book) < before:
        stepped.wrong.append("the server's time went back with the wall clock")
    stepped.fired_after_s = await _fires(book, delayed)
    if stepped.fired_after_s < 0:
        stepped.late.append(f"a delay of {DELAY_S} s was not over {FIRES_WITHIN_S:.0f} s after a step back")
    await _settle(book, held, stepped)


async def restart_behind(server: Server, book: Ledger, clock: WallClock, stepped: Stepped) -> None:
    """A server that starts on a wall clock that lies behind its own records goes on from those."""
    before = await _time_of_push(book)
    delayed = await _push_delayed(book, DELAY_S)
    await server.kill()
    clock.step(-STEP_S)
    await server.start()
    if await _time_of_push(book) < before:
        stepped.wrong.append("after a restart the server's time lies before what it had answered")
    stepped.fired_after_s = await _fires(book, delayed)
    if stepped.fired_after_s < 0:
        stepped.late.append(f"a delay of {DELAY_S} s was not over {FIRES_WITHIN_S:.0f} s after a restart")


async def restart_ahead(server: Server, book: Ledger, clock: WallClock, stepped: Stepped) -> None:
    """A server that starts hours later finds what was delayed due, and gives no lease up for that."""
    await book.push(count=1)
    (held,) = await _pull(book, lease_s=60)
    delayed = await _push_delayed(book, STEP_S // 2)
    await server.kill()
    clock.step(STEP_S)
    await server.start()
    stepped.fired_after_s = await _fires(book, delayed)
    if stepped.fired_after_s < 0:
        stepped.late.append(f"no delayed job started within {FIRES_WITHIN_S:.0f} s of a restart beyond its moment")
    await _settle(book, held, stepped)


SCENARIOS: dict[str, Scenario] = {
    "forward": forward,
    "back": back,
    "restart behind": restart_behind,
    "restart ahead": restart_ahead,
}


async def _pull(book: Ledger, lease_s: int) -> list[work_service_pb2.Delivery]:
    request = work_service_pb2.PullJobsRequest(
        queues=[book.queue], worker="clock", max_jobs=1, timeout=Duration(seconds=5), lease=Duration(seconds=lease_s)
    )
    return list((await book.work.PullJobs(request, timeout=CALL_WITHIN_S)).deliveries)


async def _settle(book: Ledger, delivery: work_service_pb2.Delivery, stepped: Stepped) -> None:
    settlement = work_service_pb2.Settlement(lease_token=delivery.lease_token, complete=work_service_pb2.Complete())
    request = work_service_pb2.SettleJobsRequest(settlements=[settlement])
    (result,) = (await book.work.SettleJobs(request, timeout=CALL_WITHIN_S)).results
    if result.reason:
        stepped.wrong.append(f"a completion within the lease was refused after a step: {result.reason}")
    book.completed.add(delivery.job_id)


async def _push_delayed(book: Ledger, delay_s: int) -> str:
    before = set(book.acknowledged)
    await book.push(count=1, delay=Duration(seconds=delay_s))
    (job_id,) = book.acknowledged.keys() - before
    return job_id


async def _time_of_push(book: Ledger) -> float:
    """The server's time, as a new job shows it. The job is delayed for long, so that nobody gets it."""
    job_id = await _push_delayed(book, 100 * STEP_S)
    stamp = (await _get(book, job_id)).create_time
    return stamp.seconds + stamp.nanos / 1e9


async def _get(book: Ledger, job_id: str) -> job_pb2.Job:
    request = job_service_pb2.GetJobRequest(job_id=job_id)
    return (await book.jobs.GetJob(request, timeout=CALL_WITHIN_S, wait_for_ready=True)).job


async def _fires(book: Ledger, job_id: str) -> float:
    """Seconds until a delayed job waits for a worker; negative when it does not in time."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + FIRES_WITHIN_S:
        try:
            if (await _get(book, job_id)).state == job_pb2.JOB_STATE_WAITING:
                return loop.time() - began
        except grpc.aio.AioRpcError as error:
            raise AssertionError(f"the server does not answer after a step: {error.code()}") from error
        await asyncio.sleep(_LOOK_EVERY_S)
    return -1.0
