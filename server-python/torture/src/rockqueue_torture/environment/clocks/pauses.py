"""Servers and workers that stand still for longer than a lease: jobs go on elsewhere, and nobody stays deaf."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from rockqueue_torture.environment import books
from rockqueue_torture.environment.ledger import Ledger, ledger
from rockqueue_torture.environment.workers import LEASE_S, WorkerProcess, active, finished, push_work, worker
from rockqueue_torture.server import Server

PAUSE_S = 2 * LEASE_S
# A lease, a look at it, the worker's longest pause before it connects again, and a busy machine.
WORKS_AGAIN_WITHIN_S = 30.0
STARTS_WITHIN_S = 30.0
PROBES = 20
SLOW_JOBS = 24


@dataclass(slots=True)
class Paused:
    """What came of a pause. `wrong` is empty when all was well."""

    jobs: int = 0
    crashes: int = 0
    deliveries: int = 0
    wrong: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Stage:
    """A server with a worker that has begun with some slow jobs, and will be busy with them for more than a second."""

    server: Server
    book: Ledger
    worker: WorkerProcess
    jobs: list[str]
    home: Path
    sdk: str


@contextlib.asynccontextmanager
async def stage(home: Path, seed: int, sdk: str) -> AsyncGenerator[Stage]:
    """Sets all of it up, and ends it."""
    server = Server(home, arguments=["--min-free-mib", "0"])
    async with ledger(server.address, seed) as book:
        try:
            await server.start()
            async with worker(home, server.address, book.queue, sdk=sdk) as working:
                jobs = await push_work(book, SLOW_JOBS, "slow", max_crashes=100)
                if not await active(book, jobs[0], STARTS_WITHIN_S):
                    raise AssertionError(f"no worker took the first job:\n{working.log.read_text()[-2000:]}")
                yield Stage(server, book, working, jobs, home, sdk)
        finally:
            server.signal(signal.SIGCONT)
            await server.kill()


Pause = Callable[[Stage], Awaitable[None]]


async def server_stands_still(on: Stage) -> None:
    """The leases of all workers run out while the server cannot hear them."""
    on.server.signal(signal.SIGSTOP)
    await asyncio.sleep(PAUSE_S)
    on.server.signal(signal.SIGCONT)


async def worker_stands_still(on: Stage) -> None:
    """The worker's jobs are done by another one, before the first wakes up."""
    on.worker.signal(signal.SIGSTOP)
    async with worker(on.home, on.server.address, on.book.queue, sdk=on.sdk, name="second"):
        done = await finished(on.book, on.jobs, WORKS_AGAIN_WITHIN_S)
    on.worker.signal(signal.SIGCONT)
    if len(done) < len(on.jobs):
        raise AssertionError(f"{len(on.jobs) - len(done)} jobs of a worker that stands still were not done by another")


async def machine_sleeps(on: Stage) -> None:
    """All stand still, and wake in either order."""
    on.worker.signal(signal.SIGSTOP)
    on.server.signal(signal.SIGSTOP)
    await asyncio.sleep(PAUSE_S)
    on.worker.signal(signal.SIGCONT)
    await asyncio.sleep(0.2)
    on.server.signal(signal.SIGCONT)


async def server_stutters(on: Stage) -> None:
    """Many pauses, each a little shorter than a lease."""
    for _ in range(4):
        on.server.signal(signal.SIGSTOP)
        await asyncio.sleep(LEASE_S * 0.8)
        on.server.signal(signal.SIGCONT)
        await asyncio.sleep(0.05)


PAUSES: dict[str, Pause] = {
    "server stands still": server_stands_still,
    "worker stands still": worker_stands_still,
    "machine sleeps": machine_sleeps,
    "server stutters": server_stutters,
}


async def pause(home: Path, seed: int, what: Pause, *, sdk: str = "python") -> Paused:
    """Plays a pause; afterwards the same worker has to do new jobs, and the old ones must be finished."""
    result = Paused()
    async with stage(home, seed, sdk) as on:
        await what(on)
        probes = await push_work(on.book, PROBES)
        done = await finished(on.book, [*on.jobs, *probes], WORKS_AGAIN_WITHIN_S)
        if missing := {*on.jobs, *probes} - done.keys():
            said = on.worker.log.read_text()[-2000:]
            result.wrong.append(
                f"{len(missing)} jobs were not done {WORKS_AGAIN_WITHIN_S:.0f} s after the pause:\n{said}"
            )
        if not on.worker.running:
            result.wrong.append(f"the worker has ended:\n{on.worker.log.read_text()[-2000:]}")
        result.jobs = len(done)
        result.crashes = sum(job.crashes for job in done.values())
        result.deliveries = sum(job.attempt for job in done.values())
        on.book.completed.update(done)
        result.wrong += await on.book.audit()
        await on.worker.stop()
        await on.server.stop()
        result.wrong += await books.problems(on.server)
    return result
