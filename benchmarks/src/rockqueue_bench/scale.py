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
    shape_seconds: float
    """How long one figure of the table of shapes is timed."""
    seed_jobs: int
    """Jobs of the shape of the published table; a multiple of its batch."""
    seed_repeats: int
    """How often it is measured; the median counts."""
    peer_seconds: float
    """How long each shape of another queue is timed."""
    backlogs: tuple[int, ...]
    """Jobs that wait; the first number is what the others are compared with."""
    queues: tuple[int, ...]
    """Queues with jobs."""
    workers: tuple[int, ...]
    """Worker sessions on one queue: up to 50, or multiples of 50."""
    delayed_jobs: int
    """Jobs that are due at once."""
    histories: tuple[int, ...]
    """Finished jobs that are kept."""
    groups: tuple[int, ...]
    """Groups of one queue."""
    group_jobs: int
    """Jobs that are spread over them."""
    schedules: tuple[int, ...]
    """Schedules that are not due."""

    def lasting(self, seconds: float) -> Scale:
        """The same with timed parts of this length, and as many counted things less or more."""
        share = seconds / self.seconds
        return replace(
            self,
            seconds=seconds,
            starts_jobs=max(20, int(self.starts_jobs * share)),
            idle_seconds=max(1.0, self.idle_seconds * share),
            shape_seconds=self.shape_seconds * share,
            peer_seconds=self.peer_seconds * share,
        )

    def deep(self) -> Scale:
        """The same, and also the backlog that takes minutes to be made."""
        return replace(self, backlogs=(*self.backlogs, DEEP_BACKLOG))


FULL = Scale(
    seconds=10.0,
    starts_jobs=1000,
    idle_seconds=10.0,
    spawns=5,
    shape_seconds=2.0,
    seed_jobs=5000,
    seed_repeats=3,
    peer_seconds=3.0,
    backlogs=(10_000, 100_000, 1_000_000),
    queues=(1, 10, 100, 1000),
    workers=(1, 10, 100, 500),
    delayed_jobs=100_000,
    histories=(10_000, 100_000, 1_000_000),
    groups=(1, 10, 1000, 100_000),
    group_jobs=100_000,
    schedules=(1, 1000, 10_000, 100_000),
)
QUICK = replace(FULL, seconds=1.5, starts_jobs=150, idle_seconds=2.0, spawns=2, shape_seconds=0.5)
