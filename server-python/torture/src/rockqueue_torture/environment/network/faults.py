"""Faults of the network between a server and some of its clients: the others notice nothing, and those come back."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from rockqueue_torture.environment import books
from rockqueue_torture.environment.ledger import Ledger, ledger
from rockqueue_torture.environment.memory import rss_mib
from rockqueue_torture.environment.network.proxy import Proxy, proxy
from rockqueue_torture.environment.workers import WorkerProcess, push_work, undone, worker
from rockqueue_torture.server import Server

FAULT_S = 2.0
# Silence for two heartbeats, an attempt to open the session that fails, the longest pause, and a busy machine.
WORKS_AGAIN_WITHIN_S = 30.0
CUT_OFF_CALL_S = 1.0
MOST_MIB = 400
PROBES = 10


async def delay(net: Proxy, chance: random.Random) -> None:
    """Each piece comes late, by up to 200 ms."""
    net.delay_s = chance.uniform(0.02, 0.2)


async def cut(net: Proxy, chance: random.Random) -> None:
    """Connections break in the middle of a frame, again and again."""
    for _ in range(10):
        net.cut_after(chance.randint(1, 4_000))
        await asyncio.sleep(FAULT_S / 10)


async def half_open(net: Proxy, _: random.Random) -> None:
    """Connections stay open and pass nothing any more."""
    net.swallow()


async def reset(net: Proxy, chance: random.Random) -> None:
    """Connections are reset, again and again."""
    for _ in range(10):
        net.reset_all()
        await asyncio.sleep(chance.uniform(0, FAULT_S / 5))


async def refuse(net: Proxy, _: random.Random) -> None:
    """Connections are reset, and no new ones are to be had."""
    net.refusing = True
    net.reset_all()


async def throttle(net: Proxy, chance: random.Random) -> None:
    """Bytes trickle."""
    net.bytes_per_s = chance.uniform(2_000, 20_000)


Fault = Callable[[Proxy, random.Random], Awaitable[None]]

FAULTS: dict[str, Fault] = {
    "delay": delay,
    "cut mid-frame": cut,
    "half-open": half_open,
    "reset": reset,
    "refuse": refuse,
    "throttle": throttle,
}


@dataclass(slots=True)
class Suffered:
    """What came of a fault. `wrong` is empty when all was well."""

    pushed_by_others: int = 0
    unknown: int = 0
    works_again_after_s: float = -1.0
    rss_mib: float = 0.0
    wrong: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Network:
    """A server, a network that may fail, and who is where."""

    server: Server
    net: Proxy
    others: Ledger
    """Connected directly."""
    through: Ledger
    """Connected through the network, with another queue."""
    work: Ledger
    """Connected directly: pushes what the worker has to do."""
    worker: WorkerProcess
    """Connected through the network."""


@contextlib.asynccontextmanager
async def network(home: Path, seed: int, sdk: str = "python") -> AsyncGenerator[Network]:
    """Sets it up, and ends it."""
    server = Server(home, arguments=["--min-free-mib", "0"])
    try:
        await server.start()
        async with (
            proxy(server.address) as net,
            ledger(server.address, seed, "others") as others,
            ledger(net.address, seed + 1, "through", call_within_s=CUT_OFF_CALL_S) as through,
            ledger(server.address, seed + 2, "work") as work,
            worker(home, net.address, "work", sdk=sdk) as working,
        ):
            yield Network(server, net, others, through, work, working)
    finally:
        await server.kill()


async def suffer(home: Path, seed: int, fault: Fault, *, sdk: str = "python") -> Suffered:
    """Plays a fault on a server of its own, and looks at what is left."""
    chance = random.Random(seed)  # noqa: S311 - a seed must give the same fault again
    async with network(home, seed, sdk) as there:
        suffered = await play(there, fault, chance)
        suffered.wrong += await audit_all(there)
        await there.worker.stop()
        await there.server.stop()
        suffered.wrong += await books.problems(there.server)
    return suffered


async def play(
    there: Network,
    fault: Fault,
    chance: random.Random,
    *,
    seconds: float = FAULT_S,
    within_s: float = WORKS_AGAIN_WITHIN_S,
) -> Suffered:
    """Plays a fault; afterwards the worker that was cut off has to do new jobs within the bound."""
    suffered = Suffered()
    suffered.wrong += await undone(there.work, there.worker, PROBES, WORKS_AGAIN_WITHIN_S)
    before = await push_work(there.work, 8, "slow", max_crashes=100)
    await _during(there, fault, chance, suffered, seconds)
    there.net.heal()
    loop = asyncio.get_running_loop()
    healed = loop.time()
    wrong = await undone(there.work, there.worker, PROBES, within_s, before)
    suffered.wrong += wrong
    if not wrong:
        suffered.works_again_after_s = loop.time() - healed
    if not there.worker.running:
        suffered.wrong.append("the worker has ended")
    suffered.unknown = len(there.through.unknown)
    suffered.rss_mib = rss_mib(there.server.pid)
    if suffered.rss_mib > MOST_MIB:
        suffered.wrong.append(f"the server holds {suffered.rss_mib:.0f} MiB")
    return suffered


async def audit_all(there: Network) -> list[str]:
    """What is wrong with anybody's jobs. What was not answered is asked for again by a connection that works."""
    async with ledger(there.server.address, 0, there.through.queue) as direct:
        direct.take_over(there.through)
        await direct.repeat_unknown()
        return await direct.audit() + await there.others.audit() + await there.work.audit()


async def _during(there: Network, fault: Fault, chance: random.Random, suffered: Suffered, seconds: float) -> None:
    """Both ledgers push while the fault lasts."""
    ending = asyncio.Event()

    async def push(book: Ledger, *, must: bool) -> None:
        while not ending.is_set():
            told = await book.push(size=500)
            if must and told.outcome != "ok":
                suffered.wrong.append(f"a client with a good connection was refused: {told.reason}")
                return
            await asyncio.sleep(0.01)

    pushing = [
        asyncio.ensure_future(push(there.others, must=True)),
        asyncio.ensure_future(push(there.through, must=False)),
    ]
    try:
        await asyncio.sleep(0.1)
        await fault(there.net, chance)
        await asyncio.sleep(seconds)
    finally:
        ending.set()
        await asyncio.gather(*pushing)
    suffered.pushed_by_others = len(there.others.acknowledged)
    if not suffered.pushed_by_others:
        suffered.wrong.append("the others could push nothing")
