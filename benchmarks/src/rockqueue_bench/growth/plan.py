"""The kinds of growth in their order, each in its time, none of them able to spoil the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth import delayed, depth, groups, history, listing, queues, schedules, workers
from rockqueue_bench.growth.curve import Curve
from rockqueue_bench.run import TROUBLE

# For those of the full run; filling a store with millions of jobs takes longer, and is asked for.
WITHIN_S = 240.0
DEEP_WITHIN_S = 1200.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What grows, and how it is measured."""

    name: str
    measure: Callable[[Bench], Awaitable[Curve]]


KINDS = (
    Kind("depth", depth.measure),
    Kind("queues", queues.measure),
    Kind("workers", workers.measure),
    Kind("delayed", delayed.measure),
    Kind("history", history.measure),
    Kind("groups", groups.measure),
    Kind("schedules", schedules.measure),
    Kind("listing", listing.measure),
)


class UnknownKind(Exception):
    """A kind of growth was asked for that does not exist; the message names those that do."""


def choose(wanted: Sequence[str]) -> list[Kind]:
    """The kinds of these names; all when none is named."""
    names = [kind.name for kind in KINDS]
    for one in wanted:
        if one not in names:
            raise UnknownKind(f"no kind of growth {one}; there are: {', '.join(names)}")
    return [kind for kind in KINDS if kind.name in wanted or not wanted]


async def measure_growth(
    bench: Bench, kinds: Sequence[Kind], progress: Callable[[str], None], within_s: float = WITHIN_S
) -> list[Curve]:
    """Measures; a curve that fails, or does not end in time, says so."""
    curves: list[Curve] = []
    for kind in kinds:
        progress(f"growth: {kind.name}")
        try:
            async with asyncio.timeout(within_s):
                curves.append(await kind.measure(bench))
        except TROUBLE as error:
            curves.append(Curve(kind.name, kind.name, error=str(error) or f"not done within {within_s:.0f} s"))
    return curves
