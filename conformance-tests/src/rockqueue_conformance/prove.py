"""The suite proves itself: every seeded defect must make at least one case fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rockqueue_conformance.defects import Defect
from rockqueue_conformance.language.model import Case, Variant
from rockqueue_conformance.runner.execute import Result
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


class Run(Protocol):
    """Runs variants with a defect, or without one, on so many servers at a time, until a result says stop."""

    def __call__(
        self, variants: Sequence[Variant], defect: Defect | None, jobs: int, stop: Callable[[Result], bool], /
    ) -> Awaitable[list[Result]]: ...


@dataclass(frozen=True, slots=True)
class Proof:
    """How defects of one kind are tried: `variants` are those that speak of a defect."""

    variants: Callable[[Defect], list[Variant]]
    run: Run

    async def prove(
        self, defects: Sequence[Defect], chosen: tuple[str, ...], jobs: int, on_verdict: Callable[[Verdict], None]
    ) -> list[Verdict]:
        """Runs each defect's variants with it, `jobs` defects at a time.

        One failure is enough, but only of a variant that passes without the defect.
        """
        wanted = [one for one in defects if not chosen or any(fits(one.name, pattern) for pattern in chosen)]
        healthy = await self._healthy(wanted, jobs)
        gate = asyncio.Semaphore(jobs)

        async def one(defect: Defect) -> Verdict:
            async with gate:
                verdict = await self._prove(defect, healthy)
            on_verdict(verdict)
            return verdict

        return list(await asyncio.gather(*(one(defect) for defect in wanted)))

    async def _healthy(self, defects: Sequence[Defect], jobs: int) -> set[str]:
        """The variants that pass without any defect."""
        everything = {one.id: one for defect in defects for one in self.variants(defect)}
        results = await self.run(list(everything.values()), None, jobs, lambda _: False)
        return {result.variant.id for result in results if result.outcome == "passed"}

    async def _prove(self, defect: Defect, healthy: set[str]) -> Verdict:
        chosen = [one for one in self.variants(defect) if one.id in healthy]
        if not chosen:
            return Verdict(defect, (), "no case that passes without the defect speaks of it")
        results = await self.run(chosen, defect, 1, lambda one: one.outcome == "failed")
        trouble = next((result.problems[0] for result in results if result.trouble), "")
        killers = tuple(result.variant.id for result in results if result.outcome == "failed" and not result.trouble)
        return Verdict(defect, killers, trouble)


def proof_of_server(cases: Sequence[Case], command: str) -> Proof:
    """Defects of the server: `rockqueue serve --testing --defect NAME`."""

    def of(defect: Defect) -> list[Variant]:
        found = variants(cases, Choice(run=defect.cases, crash="some" if defect.crash else "off"))
        return [one for one in found if one.crash_after is not None] if defect.crash else found

    async def run(
        chosen: Sequence[Variant], defect: Defect | None, jobs: int, stop: Callable[[Result], bool]
    ) -> list[Result]:
        args = ("--defect", defect.name) if defect is not None else ()
        target = Target(command=command, args=args, reference=True)
        return await run_variants(chosen, target, jobs, lambda _: None, stop)

    return Proof(of, run)
