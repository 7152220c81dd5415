"""Runs of a torment one after the other, each on a store of its own, until the rounds or the time are used up."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from rockqueue_torture.verdict import Verdict

Run = Callable[[Path, int, int], Awaitable[Verdict]]
"""A run in a folder, with a seed and a number of rounds."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """So many rounds, or so many seconds if not 0, with a new store and the next seed every `rounds_each`."""

    torment: str
    rounds: int
    seed: int
    seconds: float
    rounds_each: int
    directory: Path | None

    async def run(self, console: Console, run: Run) -> bool:
        """True when nothing was broken. Says each run's seed; what a failed one left behind is kept."""
        began = time.monotonic()
        done = acknowledged = broken = 0
        seed = self.seed
        while done < self.rounds and not (self.seconds and time.monotonic() - began > self.seconds):
            home = Path(tempfile.mkdtemp(prefix=f"rockqueue-{self.torment}-{seed}-", dir=self.directory))
            try:
                verdict = await run(home, seed, min(self.rounds_each, self.rounds - done))
            except BaseException:
                console.print(f"{self.torment} seed {seed} broke off; see {home}", markup=False)
                raise
            console.print(verdict.line, markup=False)
            if verdict.violations:
                broken += 1
                console.print(verdict.story(), markup=False)
            verdict.clean_up()
            done += verdict.rounds
            acknowledged += verdict.acknowledged
            seed += 1
        told = f"{broken} runs with violations" if broken else "nothing acknowledged was lost, no property broken"
        console.print(
            f"{self.torment}: {done} rounds from seed {self.seed} in {time.monotonic() - began:.0f} s, "
            f"{acknowledged} jobs acknowledged: {told}",
            markup=False,
        )
        return broken == 0
