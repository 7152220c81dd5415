"""Mixed work for a long time: memory and latency stay level, the books balance, and no property is broken."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rockqueue_torture.checker import check
from rockqueue_torture.environment.memory import rss_mib
from rockqueue_torture.environment.soak.trend import Sample, quantile, slope_per_min
from rockqueue_torture.final_read import closed_books, final_read
from rockqueue_torture.history import History
from rockqueue_torture.load.load import Load, LoadPlan
from rockqueue_torture.server import Server
from rockqueue_torture.workers import Fleet

ENDLESS = 1 << 40
LOOK_EVERY_S = 1.0
TELL_EVERY_S = 10.0
DRAINED_WITHIN_S = 120.0
WARM_UP_SHARE = 0.3
JUDGED_FROM_S = 300.0
"""A shorter run says nothing about latency."""
MOST_GROWTH_MIB = 220.0
"""RocksDB fills write buffers of 96 MiB, which come and go, and a cache of 64 MiB; the rest is for work under way."""
MOST_SLOWER = 3.0
# Below this nobody can tell a slower push from a busy machine.
QUICK_MS = 20.0
_SHARED_QUEUE = "shared"


@dataclass(slots=True)
class Soaked:
    """What came of a soak. `wrong` is empty when all was well."""

    seconds: float = 0.0
    pushed: int = 0
    settled: int = 0
    begun_by: dict[str, int] = field(default_factory=dict[str, int])
    memory: list[Sample] = field(default_factory=list[Sample])
    mib_per_min: float = 0.0
    pushes_ms: list[Sample] = field(default_factory=list[Sample])
    early_ms: tuple[float, float] = (0.0, 0.0)
    """Median and 99th percentile of a push, in the first third after the warm-up."""
    late_ms: tuple[float, float] = (0.0, 0.0)
    """The same in the last third."""
    events: int = 0
    wrong: list[str] = field(default_factory=list[str])


Tell = Callable[[Soaked], None]


async def soak(home: Path, seed: int, seconds: float, sdks: Sequence[str], tell: Tell) -> Soaked:
    """Runs the load for so long, calls `tell` every now and then, and judges."""
    soaked = Soaked()
    server = Server(home, arguments=["--min-free-mib", "0"])
    history = History()
    plan = LoadPlan(shared_queues=(_SHARED_QUEUE,) if sdks else (), most_jobs_each=ENDLESS)
    load = Load(history, server.address, seed, plan)
    fleet = Fleet(home / "workers", server.address, sdks, [_SHARED_QUEUE])
    try:
        await server.start()
        await fleet.start()
        load.start()
        await _watch(server, load, history, soaked, seconds, tell)
        await load.stop()
        await fleet.stop()
        if not server.running:
            return soaked
        soaked.begun_by = fleet.read(history)
        read = await final_read(history, server, within_s=DRAINED_WITHIN_S)
        if not read.drained:
            soaked.wrong.append(f"the queues were not empty after {DRAINED_WITHIN_S:.0f} s of work")
        await server.stop()
        soaked.wrong += await closed_books(history, server)
    finally:
        await load.stop()
        await fleet.stop()
        await server.kill()
    violations = check(history)
    soaked.events = len(history)
    soaked.wrong += [str(violation) for violation in violations[:5]]
    if len(violations) > len(soaked.wrong):
        soaked.wrong.append(f"{len(violations)} violations in all: {Counter(one.property for one in violations)}")
    judge(soaked)
    return soaked


async def _watch(server: Server, load: Load, history: History, soaked: Soaked, seconds: float, tell: Tell) -> None:
    began = time.monotonic()
    told_at, read_events = 0.0, 0
    while (now := time.monotonic() - began) < seconds:
        await asyncio.sleep(min(LOOK_EVERY_S, seconds - now))
        load.check()
        if not server.running:
            soaked.wrong.append(f"the server ended by itself:\n{server.log_tail()}")
            return
        soaked.seconds = now = time.monotonic() - began
        soaked.memory.append(Sample(now, rss_mib(server.pid)))
        soaked.pushed, soaked.settled = load.pushed, load.settled
        read_events = _read_latency(history, read_events, began, soaked)
        if now - told_at >= TELL_EVERY_S:
            told_at = now
            tell(soaked)


def _read_latency(history: History, start: int, began: float, soaked: Soaked) -> int:
    """Adds the pushes that were answered since the event numbered `start`; the number of the next one."""
    for event in history.events[start:]:
        if event.op == "push" and event.outcome == "ok" and event.t_inv is not None and event.t_ret is not None:
            at_s = event.t_ret / 1e9 - began
            soaked.pushes_ms.append(Sample(at_s, (event.t_ret - event.t_inv) / 1e6))
    return len(history.events)


def judge(soaked: Soaked) -> None:
    """Memory has to stay within what RocksDB may take, and latency has to stay what it was when the server was warm."""
    warm_s = soaked.seconds * WARM_UP_SHARE
    memory = [sample for sample in soaked.memory if sample.at_s >= warm_s]
    soaked.mib_per_min = slope_per_min(memory)
    if soaked.memory:
        grown = max(sample.value for sample in soaked.memory) - soaked.memory[0].value
        if grown > MOST_GROWTH_MIB:
            soaked.wrong.append(f"memory grew by {grown:.0f} MiB, more than {MOST_GROWTH_MIB:.0f}")
    third_s = (soaked.seconds - warm_s) / 3
    early = [sample.value for sample in soaked.pushes_ms if warm_s <= sample.at_s < warm_s + third_s]
    late = [sample.value for sample in soaked.pushes_ms if sample.at_s >= soaked.seconds - third_s]
    soaked.early_ms = (quantile(early, 0.5), quantile(early, 0.99))
    soaked.late_ms = (quantile(late, 0.5), quantile(late, 0.99))
    if soaked.seconds < JUDGED_FROM_S:
        return
    if soaked.late_ms[0] > max(QUICK_MS, soaked.early_ms[0] * MOST_SLOWER):
        soaked.wrong.append(f"a push took {soaked.early_ms[0]:.1f} ms at first, and {soaked.late_ms[0]:.1f} ms at last")
