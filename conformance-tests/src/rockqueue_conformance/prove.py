"""The suite proves itself: every seeded defect must make at least one case fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rockqueue_conformance.defects import Defect
from rockqueue_conformance.language.model import Case, Variant
from rockqueue_conformance.runner.expand import Choice, fits, variants
from rockqueue_conformance.runner.suite import Target, run_variants


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a defect: the variants that failed under it. None means that it survived."""

    defect: Defect
    killed_by: tuple[str, ...]
    trouble: str = ""

    def __str__(self) -> str:
        fate = ", ".join(self.killed_by) or f"SURVIVED {self.trouble}".strip()
        return f"{self.defect.name:<32} {fate}"


async def prove_defects(
    cases: Sequence[Case],
    defects: Sequence[Defect],
    chosen: tuple[str, ...],
    command: str,
    jobs: int,
    on_verdict: Callable[[Verdict], None],
) -> list[Verdict]:
    """Runs each defect's cases against a server that has it, `jobs` defects at a time.

    One failure is enough, but only of a variant that passes against the same server without the defect.
    """
    wanted = [one for one in defects if not chosen or any(fits(one.name, pattern) for pattern in chosen)]
    healthy = await _healthy(cases, wanted, command, jobs)
    gate = asyncio.Semaphore(jobs)

    async def one(defect: Defect) -> Verdict:
        async with gate:
            verdict = await _prove(cases, defect, command, healthy)
        on_verdict(verdict)
        return verdict

    return list(await asyncio.gather(*(one(defect) for defect in wanted)))


def _variants(cases: Sequence[Case], defect: Defect) -> list[Variant]:
    found = variants(cases, Choice(run=defect.cases, crash="some" if defect.crash else "off"))
    return [one for one in found if one.crash_after is not None] if defect.crash else found


async def _healthy(cases: Sequence[Case], defects: Sequence[Defect], command: str, jobs: int) -> set[str]:
    """The variants that pass without any defect."""
    everything = {one.id: one for defect in defects for one in _variants(cases, defect)}
    results = await run_variants(list(everything.values()), Target(command=command), jobs, lambda _: None)
    return {result.variant.id for result in results if result.outcome == "passed"}


async def _prove(cases: Sequence[Case], defect: Defect, command: str, healthy: set[str]) -> Verdict:
    chosen = [one for one in _variants(cases, defect) if one.id in healthy]
    if not chosen:
        return Verdict(defect, (), "no case that passes without the defect speaks of it")
    target = Target(command=command, args=("--defect", defect.name))
    results = await run_variants(chosen, target, 1, lambda _: None, lambda one: one.outcome == "failed")
    trouble = next((result.problems[0] for result in results if result.trouble), "")
    killers = tuple(result.variant.id for result in results if result.outcome == "failed" and not result.trouble)
    return Verdict(defect, killers, trouble)
