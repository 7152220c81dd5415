"""How much is measured: the full run, the quick one, and what their options change."""

from __future__ import annotations

from dataclasses import dataclass, replace

DEEP_BACKLOG = 5_000_000


@dataclass(frozen=True, slots=True)
class Scale:
    """`seconds` bounds each timed part; the other fields bound what is counted instead."""

    seconds: float
    starts_jobs: int
    """Jobs pushed one at a time, to see how soon they start."""
    idle_seconds: float
    spawns: int
    """Starts of an empty server."""
    backlogs: tuple[int, ...]
    """Jobs that wait, for the row `backlog`; the first one is what the others are compared with."""

    def lasting(self, seconds: float) -> Scale:
        """The same with timed parts of this length, and as many counted things less or more."""
        share = seconds / self.seconds
        return replace(
            self,
            seconds=seconds,
            starts_jobs=max(20, int(self.starts_jobs * share)),
            idle_seconds=max(1.0, self.idle_seconds * share),
        )


FULL = Scale(seconds=10.0, starts_jobs=1000, idle_seconds=10.0, spawns=5, backlogs=(10_000, 1_000_000))
QUICK = Scale(seconds=2.0, starts_jobs=200, idle_seconds=3.0, spawns=2, backlogs=(10_000,))
