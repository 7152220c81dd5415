"""Checks from the event stream that urgent jobs went first. No I/O here.

The rule: while a job of higher priority waits, no job of lower priority is started. What matters is from when on a job
*surely* waits. Between the commit of a push and the job's readiness for workers lies an fsync, and a start decided in
that moment breaks no promise. The caller's answer comes after both: from then on there is no excuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

CLOCK_SLACK_S = 0.05
"""How far the caller's clock and the server's may be apart on one machine, in seconds."""

COMMIT_SLACK_S = 0.5
"""How long a commit may take before its job is ready for workers, in seconds: used where no caller saw an answer, as
when the pause before a retry ends. An fsync takes a thousandth of that, except on a very busy disk."""

Change = Literal["ready", "started", "gone"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One change of a job, in the order of the event stream."""

    time_s: float
    """Server time of the commit, in seconds since 1970."""
    job_id: str
    priority: int
    change: Change


@dataclass(frozen=True, slots=True)
class Order:
    """What the events say about the order."""

    starts: int
    """How many deliveries were looked at."""
    contested: int
    """Deliveries that began while a job of another priority waited too: only these can show anything."""
    overtaken: int
    """Deliveries of a job while one of lower priority, ready before it, went on waiting."""
    violations: tuple[str, ...]
    """One line for each delivery that began while a job of higher priority was surely waiting."""

    @property
    def holds(self) -> bool:
        """Whether priorities went first, and it was put to the test at all."""
        return not self.violations and self.overtaken > 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    since_s: float
    surely_s: float
    priority: int


@dataclass(slots=True)
class _Tally:
    starts: int = 0
    contested: int = 0
    overtaken: int = 0
    violations: list[str] = field(default_factory=list[str])


def check_order(moments: Iterable[Moment], answered_s: Mapping[str, float] | None = None) -> Order:
    """Walks through the moments in stream order and returns what they say.

    `answered_s` gives for a job id when the caller of its push had the answer, in seconds since 1970 on the clock of
    the same machine.
    """
    unused_answers = dict(answered_s or {})
    waiting: dict[str, _Waiting] = {}
    tally = _Tally()
    for moment in moments:
        if moment.change == "ready":
            waiting[moment.job_id] = _begin_wait(moment, unused_answers.pop(moment.job_id, None))
            continue
        own = waiting.pop(moment.job_id, None)
        if moment.change == "started":
            _count_start(tally, moment, own, waiting)
    return Order(tally.starts, tally.contested, tally.overtaken, tuple(tally.violations))


def _begin_wait(moment: Moment, answered_s: float | None) -> _Waiting:
    if answered_s is None:
        return _Waiting(moment.time_s, moment.time_s + COMMIT_SLACK_S, moment.priority)
    return _Waiting(moment.time_s, max(moment.time_s, answered_s) + CLOCK_SLACK_S, moment.priority)


def _count_start(tally: _Tally, start: Moment, own: _Waiting | None, waiting: Mapping[str, _Waiting]) -> None:
    others = {job_id: other for job_id, other in waiting.items() if other.priority != start.priority}
    ready_s = own.since_s if own else start.time_s
    tally.starts += 1
    tally.contested += bool(others)
    tally.overtaken += any(other.priority < start.priority and other.since_s < ready_s for other in others.values())
    for job_id, other in others.items():
        if other.priority > start.priority and start.time_s > other.surely_s:
            tally.violations.append(
                f"{start.job_id} (priority {start.priority}) was started while {job_id} (priority {other.priority}) "
                f"had been waiting for {(start.time_s - other.since_s) * 1000:.0f} ms"
            )
