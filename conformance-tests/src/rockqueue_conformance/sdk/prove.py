"""The SDK mode proves itself: a wrong SDK, played by the proxy or by the driver, must make a case fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rockqueue_conformance.defects import Defect
from rockqueue_conformance.language.model import Case, Variant
from rockqueue_conformance.prove import Verdict
from rockqueue_conformance.runner.expand import fits
from rockqueue_conformance.sdk.drivers import load_drivers
from rockqueue_conformance.sdk.execute import run_sdk_variants
from rockqueue_conformance.sdk.expand import sdk_variants
from rockqueue_conformance.sdk.slot import SdkSlot

PROVEN_WITH = "python-async"
"""The driver that knows the defects."""


async def prove_sdk_defects(
    cases: Sequence[Case],
    defects: Sequence[Defect],
    chosen: tuple[str, ...],
    command: str,
    jobs: int,
    on_verdict: Callable[[Verdict], None],
) -> list[Verdict]:
    """Runs the cases of each defect with it, `jobs` defects at a time; only cases that pass without it count."""
    wanted = [one for one in defects if not chosen or any(fits(one.name, pattern) for pattern in chosen)]
    gate = asyncio.Semaphore(jobs)
    healthy = await _healthy(cases, wanted, command, jobs)

    async def one(defect: Defect) -> Verdict:
        async with gate:
            verdict = await _prove(cases, defect, command, healthy)
        on_verdict(verdict)
        return verdict

    return list(await asyncio.gather(*(one(defect) for defect in wanted)))


def _variants(cases: Sequence[Case], defect: Defect) -> list[Variant]:
    return sdk_variants(cases, [load_drivers()[PROVEN_WITH]], defect.cases)


async def _healthy(cases: Sequence[Case], defects: Sequence[Defect], command: str, jobs: int) -> set[str]:
    everything = {one.id: one for defect in defects for one in _variants(cases, defect)}
    results = await run_sdk_variants(list(everything.values()), lambda: _slot(command), jobs, lambda _: None)
    return {result.variant.id for result in results if result.outcome == "passed"}


async def _prove(cases: Sequence[Case], defect: Defect, command: str, healthy: set[str]) -> Verdict:
    chosen = [one for one in _variants(cases, defect) if one.id in healthy]
    if not chosen:
        return Verdict(defect, (), "no case that passes without the defect speaks of it")
    results = await run_sdk_variants(
        chosen, lambda: _slot(command, defect), 1, lambda _: None, lambda one: one.outcome == "failed"
    )
    trouble = next((result.problems[0] for result in results if result.trouble), "")
    killers = tuple(result.variant.id for result in results if result.outcome == "failed" and not result.trouble)
    return Verdict(defect, killers, trouble)


def _slot(command: str, defect: Defect | None = None) -> SdkSlot:
    name = defect.name if defect is not None else ""
    wire = defect is not None and defect.where == "wire"
    return SdkSlot(
        command,
        load_drivers(),
        distortion=name if wire else "",
        driver_args=("--defect", name) if name and not wire else (),
    )
