"""The budgets: what a measurement must reach, or stay under, on two cores that client and server share."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """A bound of one value: at least `bound`, or, with `below`, less than it."""

    bound: float
    below: bool = False

    def met(self, value: float) -> bool:
        """Whether a value keeps the budget."""
        return value < self.bound if self.below else value >= self.bound

    def __str__(self) -> str:
        return f"{'<' if self.below else '>='} {self.bound:,.10g}"


_BUDGETS: dict[str, Budget] = {
    "push_batch50_jobs_per_s": Budget(60_000),
    "push_share_of_floor": Budget(0.4),
    "work_raw_jobs_per_s": Budget(40_000),
    "e2e_python_jobs_per_s": Budget(20_000),
    "e2e_node_jobs_per_s": Budget(30_000),
    "e2e_go_jobs_per_s": Budget(40_000),
    "single_push_python_per_s": Budget(15_000),
    "single_push_node_per_s": Budget(25_000),
    "single_push_go_per_s": Budget(30_000),
    "push_to_start_ms_p50": Budget(4, below=True),
    "push_to_start_ms_p99": Budget(15, below=True),
    "idle_rss_mb": Budget(80, below=True),
    "idle_cpu_percent": Budget(1, below=True),
}
# The budget is for 5 million waiting jobs; what holds there holds for fewer.
_BACKLOG: tuple[tuple[re.Pattern[str], Budget], ...] = (
    (re.compile(r"backlog_\d+_share_of_10000"), Budget(0.9)),
    (re.compile(r"backlog_\d+_rss_mb"), Budget(400, below=True)),
    (re.compile(r"backlog_\d+_ready_seconds"), Budget(3, below=True)),
)


def budget_of(metric: str) -> Budget | None:
    """The budget of a value; None when there is none."""
    if metric in _BUDGETS:
        return _BUDGETS[metric]
    return next((budget for pattern, budget in _BACKLOG if pattern.fullmatch(metric)), None)
