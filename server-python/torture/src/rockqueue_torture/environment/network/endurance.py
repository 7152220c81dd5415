"""How a server endures a crowd: others are served meanwhile, its memory stays bounded, and it works on afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

from rockqueue_torture.environment import books
from rockqueue_torture.environment.ledger import Ledger, ledger
from rockqueue_torture.environment.memory import rss_mib
from rockqueue_torture.environment.network.crowds import CROWD_QUEUE, Crowd
from rockqueue_torture.environment.workers import WorkerProcess, undone, worker
from rockqueue_torture.server import Server

MOST_GROWTH_MIB = 450
WORKS_AGAIN_WITHIN_S = 30.0
DRAINED_WITHIN_S = 30.0
PROBES = 10
# What a push may be told while the server has more than enough to do. Settlements may not.
REFUSALS = {"OVERLOADED"}
_LOOK_EVERY_S = 0.05


@dataclass(slots=True)
class Endured:
    """What came of a crowd. `wrong` is empty when all was well."""

    served: int = 0
    refused: int = 0
    slowest_ms: float = 0.0
    mib_before: float = 0.0
    mib_peak: float = 0.0
    mib_after: float = 0.0
    wrong: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Site:
    """A server with a worker, a client that goes on with its work, and one that looks after what a crowd leaves."""

    server: Server
    others: Ledger
    work: Ledger
    crowded: Ledger
    worker: WorkerProcess


@contextlib.asynccontextmanager
async def site(home: Path, seed: int, sdk: str = "python") -> AsyncGenerator[Site]:
    """Sets it up, and ends it."""
    server = Server(home, arguments=["--min-free-mib", "0"])
    try:
        await server.start()
        async with (
            ledger(server.address, seed, "others") as others,
            ledger(server.address, seed + 1, "work") as work,
            ledger(server.address, seed + 2, CROWD_QUEUE) as crowded,
            worker(home, server.address, "work", sdk=sdk) as working,
        ):
            yield Site(server, others, work, crowded, working)
    finally:
        await server.kill()


async def endure(home: Path, seed: int, crowd: Crowd, *, sdk: str = "python") -> Endured:
    """Lets a crowd loose on a server of its own, and looks at what is left."""
    async with site(home, seed, sdk) as there:
        endured = await face(there, crowd, random.Random(seed))  # noqa: S311 - a seed must give the same crowd again
        await there.worker.stop()
        await there.server.stop()
        endured.wrong += await books.problems(there.server)
    return endured


async def face(there: Site, crowd: Crowd, chance: random.Random) -> Endured:
    """Lets a crowd loose; others are served meanwhile, and afterwards the worker works and the leavings are done."""
    endured = Endured()
    endured.wrong += await undone(there.work, there.worker, PROBES, WORKS_AGAIN_WITHIN_S)
    await _with_others(there, crowd, chance, endured)
    endured.wrong += await undone(there.work, there.worker, PROBES, WORKS_AGAIN_WITHIN_S)
    await _drain(there.crowded, endured)
    if not there.worker.running:
        endured.wrong.append(f"the worker has ended:\n{there.worker.log.read_text()[-2000:]}")
    endured.mib_after = rss_mib(there.server.pid)
    await there.others.repeat_unknown()
    endured.wrong += await there.others.audit() + await there.work.audit()
    return endured


async def _with_others(there: Site, crowd: Crowd, chance: random.Random, endured: Endured) -> None:
    """The crowd does its worst, others go on with their work, and somebody looks at the memory."""
    endured.mib_before = rss_mib(there.server.pid)
    ending = asyncio.Event()
    at_work = [
        asyncio.ensure_future(_go_on(there.others, endured, ending)),
        asyncio.ensure_future(_watch_memory(there.server, endured, ending)),
    ]
    try:
        await crowd(there.server.address, chance)
        await asyncio.sleep(_LOOK_EVERY_S)
    finally:
        ending.set()
        await asyncio.gather(*at_work)
    if not endured.served:
        endured.wrong.append("the others were not served at all")
    if (grown := endured.mib_peak - endured.mib_before) > MOST_GROWTH_MIB:
        endured.wrong.append(f"memory grew by {grown:.0f} MiB")


async def _go_on(others: Ledger, endured: Endured, ending: asyncio.Event) -> None:
    while not ending.is_set():
        began = time.perf_counter()
        pushed = await others.push(size=300)
        if pushed.outcome == "ok":
            endured.served += 1
        elif pushed.reason in REFUSALS:
            endured.refused += 1
        else:
            endured.wrong.append(f"a push of another client ended with {pushed.reason}")
            return
        if (settled := await others.complete(5)).outcome != "ok":
            endured.wrong.append(f"a pull or a settlement of another client ended with {settled.reason}")
            return
        endured.slowest_ms = max(endured.slowest_ms, (time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.01)


async def _watch_memory(server: Server, endured: Endured, ending: asyncio.Event) -> None:
    while not ending.is_set():
        endured.mib_peak = max(endured.mib_peak, rss_mib(server.pid))
        await asyncio.sleep(_LOOK_EVERY_S)


async def _drain(crowded: Ledger, endured: Endured) -> None:
    """The jobs that the crowd has left, and those that it took and never read, can be worked on."""
    deadline = time.monotonic() + DRAINED_WITHIN_S
    while time.monotonic() < deadline:
        before = len(crowded.completed)
        told = await crowded.complete(500)
        if told.outcome != "ok":
            endured.wrong.append(f"the crowd's jobs could not be worked on: {told.reason}")
            return
        if len(crowded.completed) > before:
            continue
        if not await crowded.unfinished():
            return
        await asyncio.sleep(_LOOK_EVERY_S)
    endured.wrong.append(f"{await crowded.unfinished()} jobs of the crowd are still not done")
