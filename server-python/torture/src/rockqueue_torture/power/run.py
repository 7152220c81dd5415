"""Power cuts under load: the server is killed, what it had not synced is taken away, and it has to go on with the rest.

A round is one cut. The rounds of a run share a store; at the end it is drained, listed, and the history is checked.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rockqueue_server.failpoints import VARIABLE
from rockqueue_torture import native
from rockqueue_torture.final_read import closed_books, final_read
from rockqueue_torture.history import History
from rockqueue_torture.load import Load, LoadPlan
from rockqueue_torture.power.cut import Extent, cut_power
from rockqueue_torture.power.journal import read_journal, sizes_below
from rockqueue_torture.server import Server, ServerTrouble
from rockqueue_torture.verdict import Verdict

FAILPOINTS = (
    "before_write",
    "after_write_before_sync",
    "after_sync_before_answer",
    "after_answer",
    "during_open",
    "mid_sweep",
    "during_flush",
)
_FIRES_WITHIN_S = 2.0
_MOST_NTH = 20
_PLAN = LoadPlan(most_jobs_each=100_000)


@dataclass(frozen=True, slots=True)
class PowerPlan:
    """One run."""

    rounds: int
    seed: int
    least_s: float = 0.0
    most_s: float = 0.8
    """A server that is not stopped by a failpoint lives so long after it is ready, at least and at most."""
    failpoints: Sequence[str] = FAILPOINTS
    arguments: Sequence[str] = ()
    """Options of the server until it is healed: a seeded defect."""
    extents: Sequence[Extent] = ("all", "all", "some")
    """How much of what was not synced a cut takes, one of them by chance."""
    check_every: int = 5
    load: LoadPlan = _PLAN


class PoweredServer:
    """A server whose synced bytes are noted, so that its power can be cut."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._library = native.build(native.source("synced.c"), server.home)
        self._at_start: dict[int, int] = {}
        self._journal = server.home / "synced.journal"
        self._keep = server.home / "kept"
        server.preload = [self._library]

    async def launch(self, failpoint: str = "") -> bool:
        """Starts the server; True when it takes calls, False when it has ended before."""
        self._journal.unlink(missing_ok=True)
        shutil.rmtree(self._keep, ignore_errors=True)
        self._keep.mkdir()
        self._at_start = sizes_below(self._server.store)
        self._server.environment = {
            "ROCKQUEUE_SYNCED_ROOT": str(self._server.store),
            "ROCKQUEUE_SYNCED_JOURNAL": str(self._journal),
            "ROCKQUEUE_SYNCED_KEEP": str(self._keep),
            VARIABLE: failpoint,
        }
        await self._server.launch()
        return await self._server.ready()

    async def cut(self, extent: Extent, random: Random) -> Counter[str]:
        """Kills the server, and takes away what was not synced."""
        await self._server.kill()
        return cut_power(self._server.store, read_journal(self._journal, self._at_start), extent, random)


async def power_run(home: Path, plan: PowerPlan) -> Verdict:
    """Cuts the power `rounds` times, then reads and checks. Raises CompilerMissing."""
    random = Random(f"power-{plan.seed}")  # noqa: S311 - has to be repeatable
    history = History(home / "history.jsonl")
    server = Server(home, testing=True, arguments=plan.arguments)
    powered = PoweredServer(server)
    load = Load(history, server.address, plan.seed, plan.load)
    verdict = Verdict("power", plan.seed, home)
    try:
        load.start()
        while verdict.rounds < plan.rounds:
            await _round(server, powered, history, random, plan, verdict)
            verdict.rounds += 1
            load.check()
            if verdict.rounds % plan.check_every == 0:
                await closed_books(history, server)
        server.arguments = []
        if not await powered.launch():
            raise ServerTrouble(f"the server did not start after the last cut:\n{server.log_tail()}")
        history.mark("started")
        await load.stop()
        await final_read(history, server)
        await server.stop()
        await closed_books(history, server)
    finally:
        await load.stop()
        await server.kill()
        history.close()
    verdict.judge(history)
    return verdict


async def _round(
    server: Server, powered: PoweredServer, history: History, random: Random, plan: PowerPlan, verdict: Verdict
) -> None:
    failpoint = random.choice(plan.failpoints) if plan.failpoints and random.random() < 0.5 else ""  # noqa: PLR2004
    ready = await powered.launch(f"{failpoint}:{random.randint(1, _MOST_NTH)}" if failpoint else "")
    if ready:
        history.mark("started")
        if not failpoint:
            await asyncio.sleep(random.uniform(plan.least_s, plan.most_s))
        elif await server.exited(_FIRES_WITHIN_S) is None:
            failpoint = ""
    lost = await powered.cut(random.choice(plan.extents), random)
    history.mark("power_cut", how=failpoint or "at random", lost=dict(lost))
    verdict.done[failpoint or "at random"] += 1
    verdict.done["bytes lost"] += lost["bytes"]
    verdict.done["entries undone"] += lost["entries"]
