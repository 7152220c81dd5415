"""P9, P10: highest priority first, then first come, first served.

A job was *definitely ready* from the answer to its push to the call that took it, if that delivery was its first
(attempt 1), it had no delay, and nobody tried to cancel it. A delivery of another job of its queue that began and ended
within that time must not be of lower priority, nor of the same priority and pushed after the answer.

Both are prefix questions over the moments from which on jobs were ready: the latest end among them is kept as a running
maximum, and looked up by bisection.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from rockqueue_torture.checker.facts import Facts, Pushed
from rockqueue_torture.checker.violation import Violation, violation
from rockqueue_torture.history import Event


@dataclass(frozen=True, slots=True)
class _Ready:
    since: int
    until: int
    job: str
    pushed: Pushed
    grant: Event


class _Line:
    """The jobs of one queue and priority that were definitely ready, in the order of `since`."""

    def __init__(self, jobs: list[_Ready]) -> None:
        self.jobs = sorted(jobs, key=lambda ready: ready.since)
        self._since = [ready.since for ready in self.jobs]
        self._latest: list[_Ready] = []
        for ready in self.jobs:
            best = self._latest[-1] if self._latest else ready
            self._latest.append(ready if ready.until > best.until else best)

    def waited(self, since: int, until: int, *, strictly: bool = False) -> _Ready | None:
        """A job that was ready by `since` (`strictly`: before) and still at `until`."""
        count = (bisect_left if strictly else bisect_right)(self._since, since)
        if count == 0:
            return None
        latest = self._latest[count - 1]
        return latest if latest.until >= until else None


def priority_comes_first(facts: Facts) -> Iterator[Violation]:
    """P9."""
    lines = _lines(facts)
    for queue, priority, job, grant in _deliveries(facts):
        for other in sorted((level for name, level in lines if name == queue and level > priority), reverse=True):
            assert grant.t_inv is not None
            assert grant.t_ret is not None
            passed_over = lines[queue, other].waited(grant.t_inv, grant.t_ret)
            if passed_over is not None:
                what = f"delivered with priority {priority} while {passed_over.job} of priority {other} was ready"
                yield violation(facts, "P9", job, what)
                break
    yield from _within_answers(facts, "P9")


def first_come_first_served(facts: Facts) -> Iterator[Violation]:
    """P10."""
    lines = _lines(facts)
    for queue, priority, job, grant in _deliveries(facts):
        line = lines.get((queue, priority))
        pushed = facts.pushed[grant.args["tag"]]
        assert grant.t_inv is not None
        assert grant.t_ret is not None
        if line is None:
            continue
        passed_over = line.waited(min(grant.t_inv, pushed.first_inv), grant.t_ret, strictly=True)
        if passed_over is not None:
            what = f"delivered while {passed_over.job}, pushed before it and of the same priority, was ready"
            yield violation(facts, "P10", job, what)
    yield from _within_batches(facts)
    yield from _within_answers(facts, "P10")


def _lines(facts: Facts) -> dict[tuple[str, int], _Line]:
    found: defaultdict[tuple[str, int], list[_Ready]] = defaultdict(list)
    for ready in _ready(facts):
        found[ready.pushed.spec["queue"], ready.pushed.spec["priority"]].append(ready)
    return {key: _Line(jobs) for key, jobs in found.items()}


def _ready(facts: Facts) -> Iterator[_Ready]:
    for job, ack in facts.ack_of.items():
        life, spec = facts.lives[job], ack.pushed.spec
        if spec["delay_ms"] or life.cancels or not life.grants or spec["queue"] in facts.cancelled_queues:
            continue
        first = min(life.grants, key=lambda grant: grant.args["attempt"])
        if first.args["attempt"] != 1 or first.t_inv is None or first.t_inv <= ack.t_ret:
            continue
        if facts.era(first.t_inv) == facts.era(ack.pushed.first_inv):
            yield _Ready(ack.t_ret, first.t_inv, job, ack.pushed, first)


def _deliveries(facts: Facts) -> Iterator[tuple[str, int, str, Event]]:
    for job, life in facts.lives.items():
        for grant in life.grants:
            pushed = facts.pushed.get(grant.args["tag"])
            if pushed is not None and grant.t_inv is not None and grant.t_ret is not None:
                yield grant.args["queue"], pushed.spec["priority"], job, grant


def _within_batches(facts: Facts) -> Iterator[Violation]:
    """Of one batch, the jobs of a queue and priority are delivered in its order."""
    batches: defaultdict[tuple[str, str, int], list[_Ready]] = defaultdict(list)
    for ready in _ready(facts):
        spec = ready.pushed.spec
        batches[ready.pushed.request_id, spec["queue"], spec["priority"]].append(ready)
    for batch in batches.values():
        latest: _Ready | None = None
        for ready in sorted(batch, key=lambda ready: ready.pushed.index):
            assert ready.grant.t_ret is not None
            if latest is not None and ready.grant.t_ret <= latest.until:
                what = f"delivered while {latest.job}, before it in the same push, was ready"
                yield violation(facts, "P10", ready.job, what)
            if latest is None or ready.until > latest.until:
                latest = ready


def _within_answers(facts: Facts, property_: str) -> Iterator[Violation]:
    """In one answer, what comes first comes first: every job that was ready before the call is in its place."""
    ready_jobs = {(ready.job, ready.grant.args["token"]): ready for ready in _ready(facts)}
    answers: defaultdict[tuple[str, int, str], list[_Ready]] = defaultdict(list)
    for _, _, job, grant in _deliveries(facts):
        ready = ready_jobs.get((job, grant.args["token"]))
        if ready is not None and grant.args["how"] == "pull":
            answers[grant.client, grant.t_inv or 0, grant.args["queue"]].append(ready)
    for jobs in answers.values():
        jobs.sort(key=lambda ready: ready.grant.args["place"])
        for ready, following in pairwise(jobs):
            first, second = ready.pushed.spec["priority"], following.pushed.spec["priority"]
            if property_ == "P9" and second > first:
                what = f"delivered before {following.job}, which has priority {second} over {first}, in one answer"
                yield violation(facts, "P9", ready.job, what)
            if property_ == "P10" and second == first and _pushed_before(following, ready):
                yield violation(
                    facts, "P10", ready.job, f"delivered before {following.job}, pushed earlier, in one answer"
                )


def _pushed_before(one: _Ready, other: _Ready) -> bool:
    if one.pushed.request_id == other.pushed.request_id:
        return one.pushed.index < other.pushed.index
    return one.since < other.pushed.first_inv
