"""From SDK cases to variants: each case with each driver, and cross-language cases with every pair."""

from __future__ import annotations

from collections.abc import Sequence

from rockqueue_conformance.language.model import Case, Variant
from rockqueue_conformance.runner.expand import chosen
from rockqueue_conformance.sdk.drivers import DriverSpec


def sdk_variants(
    cases: Sequence[Case], drivers: Sequence[DriverSpec], run: tuple[str, ...] = (), skip: tuple[str, ...] = ()
) -> list[Variant]:
    """Every variant that is asked for, those of one driver together."""
    plain = [Variant(case, drivers=(driver.name,)) for driver in drivers for case in cases if not case.roles]
    crossed = [Variant(case, drivers=cast) for case in cases if case.roles for cast in casts(case, drivers)]
    return [one for one in plain + crossed if chosen(one, run, skip)]


def casts(case: Case, drivers: Sequence[DriverSpec]) -> list[tuple[str, ...]]:
    """Who plays which part: every pair of languages in the first two parts, a third language in the others.

    A language with several drivers plays by its first.
    """
    languages = list({driver.language: driver.name for driver in reversed(drivers)}.values())[::-1]
    found: list[tuple[str, ...]] = []
    for first in languages:
        for second in languages:
            others = [one for one in languages if one not in (first, second)] or [second]
            rest = [others[index % len(others)] for index in range(len(case.roles) - 2)]
            found.append((first, second, *rest))
    return found
