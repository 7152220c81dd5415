"""From cases to variants: the delivery axis, the push axis, the crash axis, and the choice by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from zlib import crc32

from rockqueue_conformance.language.model import DELIVERIES, Case, Variant

SOME_POINTS = 2
"""How many kills of one case an ordinary run tries: each costs a start of the server."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What to run.

    `crash` is `off`, `some` (up to two points of each case, the deliveries in turn) or `full` (every point by every
    delivery).
    """

    run: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = DELIVERIES
    crash: str = "some"


def variants(cases: Sequence[Case], choice: Choice) -> list[Variant]:
    """Every variant that the choice asks for, in the order of the cases."""
    return [
        variant
        for case in cases
        for variant in [*_plain(case, choice), *_crashes(case, choice)]
        if chosen(variant, choice.run, choice.skip)
    ]


def _plain(case: Case, choice: Choice) -> list[Variant]:
    deliveries = [one for one in case.deliveries if one in choice.deliveries] if case.deliveries else [None]
    return [Variant(case, delivery, push) for delivery in deliveries for push in case.pushes or (None,)]


def _crashes(case: Case, choice: Choice) -> list[Variant]:
    """A kill between any two steps: after the first, the second, ... and after the last but one."""
    if not case.crashable or choice.crash == "off":
        return []
    deliveries = [one for one in case.deliveries if one in choice.deliveries] or [None]
    if case.deliveries and deliveries == [None]:
        return []
    found: list[Variant] = []
    full = choice.crash == "full"
    points = crash_points(case)
    for number, point in enumerate(points if full else _some(case, points)):
        by = deliveries if full else [deliveries[number % len(deliveries)]]
        found += [Variant(case, delivery, _push_of(case, number), point) for delivery in by]
    return found


def _push_of(case: Case, number: int) -> str | None:
    """How jobs are pushed when the server is killed: each way in turn."""
    return case.pushes[number % len(case.pushes)] if case.pushes else None


def _some(case: Case, points: list[int]) -> list[int]:
    """At most `SOME_POINTS` of the points, evenly spread; where they begin differs from case to case."""
    if len(points) <= SOME_POINTS:
        return points
    begin = crc32(case.id.encode())
    return sorted(points[(begin + index * len(points) // SOME_POINTS) % len(points)] for index in range(SOME_POINTS))


_ONLY_LOOKS = frozenset(
    {"job", "queue", "list_all", "check", "set", "verify_store", "none", "pending", "cursor", "received"}
)
"""Step kinds that change nothing: a kill after one of them is the same as a kill before it."""


def crash_points(case: Case) -> list[int]:
    """How many steps may be done when the server is killed: after each step that changes something, but the last."""
    return [
        number
        for number in range(1, len(case.steps))
        if case.steps[number - 1].kind not in _ONLY_LOOKS
        and not case.steps[number - 1].options.get("no_crash", False)
        and "error" not in case.steps[number - 1].options
    ]


def chosen(variant: Variant, run: tuple[str, ...], skip: tuple[str, ...]) -> bool:
    """True when the variant or its case has a name that is to run, and none that is to be skipped."""
    names = (variant.id, variant.case.id)
    wanted = not run or any(fits(name, pattern) for name in names for pattern in run)
    return wanted and not any(fits(name, pattern) for name in names for pattern in skip)


def fits(name: str, pattern: str) -> bool:
    """True when a case or variant name fits a pattern with `*` and `?`. Brackets are plain characters."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))
