"""What the engine counts while it works, in plain integers; `metrics` shows them to Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

LATENCY_BOUNDS_S = (
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0,
    3600.0,
)  # fmt: skip
WEBHOOK_OUTCOMES = ("succeeded", "rejected", "unanswered", "refused")
"""A status of 200 to 299; another one; none; an address that is not permitted."""
THROTTLES = ("max_active", "rate", "group_max_active", "group_rate")
"""The limits that hold up deliveries."""
GROUP_BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(slots=True)
class Histogram:
    """Counts of observations at or below each bound (not cumulative), with one more bucket for what lies above."""

    bounds: tuple[float, ...] = LATENCY_BOUNDS_S
    buckets: list[int] = field(default_factory=list[int])
    total: float = 0.0

    def __post_init__(self) -> None:
        self.buckets = [0] * (len(self.bounds) + 1)

    def observe(self, value: float, times: int = 1) -> None:
        """Counts `value`, `times` times."""
        self.buckets[bisect_left(self.bounds, value)] += times
        self.total += value * times


@dataclass(slots=True)
class QueueStats:
    """Counters of one queue since the process started. Times in seconds."""

    pushed: int = 0
    delivered: int = 0
    completed: int = 0
    failed: int = 0
    retried: int = 0
    dead: int = 0
    cancelled: int = 0
    crashed: int = 0
    released: int = 0
    snoozed: int = 0
    expired: int = 0
    throttled: dict[str, int] = field(default_factory=lambda: dict.fromkeys(THROTTLES, 0))
    """How often a limit held up jobs for which there were workers."""
    wait_s: Histogram = field(default_factory=Histogram)
    run_s: Histogram = field(default_factory=Histogram)


def _group_histogram() -> Histogram:
    return Histogram(GROUP_BOUNDS)


@dataclass(slots=True)
class WebhookGauges:
    """Deliveries of all webhooks that wait, and for how long the one that has been due longest has been so."""

    pending: int = 0
    late_s: float = 0.0


@dataclass(slots=True)
class Stats:
    """Counters of the whole engine since the process started. Times in seconds."""

    push_s: Histogram = field(default_factory=Histogram)
    commit_s: Histogram = field(default_factory=Histogram)
    fsync_s: Histogram = field(default_factory=Histogram)
    group_ops: Histogram = field(default_factory=_group_histogram)
    flows_pushed: int = 0
    flows_finished: dict[int, int] = field(default_factory=dict[int, int])
    """By FlowState."""
    schedule_late_s: Histogram = field(default_factory=Histogram)
    schedules_fired: int = 0
    schedules_skipped: int = 0
    events: int = 0
    commits: int = 0
    webhook_requests: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WEBHOOK_OUTCOMES, 0))
    webhook_s: Histogram = field(default_factory=Histogram)
    queues: dict[str, QueueStats] = field(default_factory=dict[str, QueueStats])

    def flow_finished(self, state: int) -> None:
        """Counts a flow whose last job has ended."""
        self.flows_finished[state] = self.flows_finished.get(state, 0) + 1

    def count_fired(self, slots: int) -> None:
        """Slots of schedules made jobs."""
        self.schedules_fired += slots

    def count_skipped(self, slots: int) -> None:
        """Slots of schedules made no job."""
        self.schedules_skipped += slots
