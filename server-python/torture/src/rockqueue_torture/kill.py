"""kill -9 of the server, at moments of chance and at named failpoints, and of workers, while all of them work.

A round is one death of the server. The rounds of a run share a store, and the clients go on from one to the next; at
the end the store is drained and listed, and the whole history is checked.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from rockqueue_server.failpoints import FAILPOINTS, VARIABLE
from rockqueue_torture.final_read import closed_books, final_read
from rockqueue_torture.history import History
from rockqueue_torture.load import Load, LoadPlan
from rockqueue_torture.server import Server
from rockqueue_torture.verdict import Verdict
from rockqueue_torture.wall_clock import WallClock
from rockqueue_torture.workers import Fleet

SDK_QUEUE = "shared"
_FIRES_WITHIN_S = 2.0
_CLOSED_WITHIN_S = 30.0
_MOST_NTH = {"during_open": 8, "mid_sweep": 8, "mid_bulk": 2, "during_close": 3, "during_flush": 15}
_DEFAULT_NTH = 25
_LONG_EVERY = 20
_LONG_LIFE: dict[str, Any] = {"least_s": 8.0, "most_s": 8.0, "failpoints": ()}
"""So long that each SDK's worker is back: after a while without a server they try every 5 s, times up to 1.5."""
_PLAN = LoadPlan(shared_queues=(SDK_QUEUE,), most_jobs_each=100_000)


@dataclass(frozen=True, slots=True)
class KillPlan:
    """One run."""

    rounds: int
    seed: int
    sdks: Sequence[str] = ("python", "node", "go")
    least_s: float = 0.0
    most_s: float = 0.9
    """A server that is killed by chance lives so long after it is ready, at least and at most."""
    failpoints: Sequence[str] = tuple(FAILPOINTS)
    arguments: Sequence[str] = ()
    """Options of the server until it is healed: a seeded defect."""
    clock_step_s: float = 0.0
    """In the middle of each life the server's wall clock is stepped by so much. Needs a C compiler."""
    check_every: int = 10
    """`rockqueue check` looks at the store after every so many deaths."""
    load: LoadPlan = _PLAN


async def kill_run(home: Path, plan: KillPlan) -> Verdict:
    """Kills the server `rounds` times, then reads and checks. Raises what is wrong with the harness itself."""
    random = Random(f"kill-{plan.seed}")  # noqa: S311 - has to be repeatable
    history = History(home / "history.jsonl")
    server = Server(home, testing=True, arguments=plan.arguments)
    load_plan = plan.load if plan.sdks else replace(plan.load, shared_queues=())
    load = Load(history, server.address, plan.seed, load_plan)
    fleet = Fleet(home / "workers", server.address, plan.sdks, [SDK_QUEUE])
    clock = WallClock(server) if plan.clock_step_s else None
    verdict = Verdict("kill", plan.seed, home)
    begun: dict[str, int] = {}
    try:
        load.start()
        while verdict.rounds < plan.rounds:
            long = bool(plan.sdks) and verdict.rounds % _LONG_EVERY == _LONG_EVERY // 2
            how = await _round(
                _Life(server, fleet, clock), history, random, replace(plan, **_LONG_LIFE) if long else plan
            )
            verdict.done[how] += 1
            verdict.rounds += 1
            load.check()
            if random.randrange(4) == 0 and (sdk := await fleet.replace(random.randrange(100))):
                verdict.done[f"kill of {sdk} worker"] += 1
            if verdict.rounds % plan.check_every == 0:
                await closed_books(history, server)
        server.environment = dict(clock.environment) if clock is not None else {}
        server.arguments = []
        await server.start()
        history.mark("started")
        await load.stop()
        await fleet.stop()
        await final_read(history, server)
        await server.stop()
        await closed_books(history, server)
    finally:
        await load.stop()
        await fleet.stop()
        await server.kill()
        begun.update(fleet.read(history))
        history.close()
    verdict.done.update({f"handlers begun by {sdk}": count for sdk, count in begun.items()})
    verdict.done.update({f"{sdk} workers that ended by themselves": count for sdk, count in fleet.ended.items()})
    verdict.judge(history)
    return verdict


@dataclass(frozen=True, slots=True)
class _Life:
    """What lives from one death of the server to the next."""

    server: Server
    fleet: Fleet
    clock: WallClock | None

    async def live(self, seconds: float, step_s: float) -> None:
        """Lets some time go by; in its middle the wall clock is stepped."""
        await asyncio.sleep(seconds / 2)
        if self.clock is not None:
            self.clock.step(step_s)
        await asyncio.sleep(seconds / 2)


async def _round(life: _Life, history: History, random: Random, plan: KillPlan) -> str:
    """One life of the server; what ended it."""
    server, fleet = life.server, life.fleet
    failpoint = random.choice(plan.failpoints) if plan.failpoints and random.random() < 0.6 else ""  # noqa: PLR2004
    server.environment = dict(life.clock.environment) if life.clock is not None else {}
    if failpoint:
        nth = random.randint(1, _MOST_NTH.get(failpoint, _DEFAULT_NTH))
        server.environment[VARIABLE] = f"{failpoint}:{nth}"
    await server.launch()
    ready = await server.ready()
    if ready:
        history.mark("started")
        await (fleet.revive() if fleet.size else fleet.start())
    how = failpoint or "at random"
    seconds = random.uniform(plan.least_s, plan.most_s)
    if ready and not failpoint:
        await life.live(seconds, plan.clock_step_s)
    elif ready and failpoint == "during_close":
        await asyncio.sleep(seconds)
        server.signal(signal.SIGTERM)
        if await server.exited(_CLOSED_WITHIN_S) is None:
            how = "at random"
    elif ready and await server.exited(_FIRES_WITHIN_S) is None:
        how = "at random"  # the failpoint was not reached
    await server.kill()
    history.mark("stopped", how=how)
    return how
