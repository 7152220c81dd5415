"""What came of one run on one store, and what is said and kept of it."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rockqueue_torture.checker import Violation, check
from rockqueue_torture.history import History

_SHOWN = 5


@dataclass(slots=True)
class Verdict:
    """One store's run: what was done to it, what it had acknowledged, and what was broken."""

    torment: str
    seed: int
    home: Path
    done: Counter[str] = field(default_factory=Counter[str])
    """How often what was done to the server and its workers."""
    rounds: int = 0
    acknowledged: int = 0
    events: int = 0
    violations: list[Violation] = field(default_factory=list[Violation])

    def judge(self, history: History) -> None:
        """Checks the history of the run."""
        self.violations = check(history)
        self.events = len(history)
        self.acknowledged = sum(len(event.args["ids"]) for event in history.of("push") if event.outcome == "ok")

    @property
    def line(self) -> str:
        """The run in one line."""
        done = ", ".join(f"{count} {what}" for what, count in sorted(self.done.items()))
        broken = f"{len(self.violations)} VIOLATIONS" if self.violations else "nothing broken"
        return (
            f"{self.torment} seed {self.seed}: {self.rounds} rounds ({done}); "
            f"{self.acknowledged} jobs acknowledged, {self.events} events, {broken}"
        )

    def story(self) -> str:
        """The first violations, and where to look further."""
        shown = "\n".join(str(violation) for violation in self.violations[:_SHOWN])
        return f"{shown}\nstore, log and history are kept in {self.home}"

    def clean_up(self) -> None:
        """Removes the files of a run in which nothing was broken."""
        if not self.violations:
            shutil.rmtree(self.home, ignore_errors=True)
