"""Each field of the contract has a case that fails when the field does nothing: tried, field by field.

A first run notes which fields each case makes travel. Then each field is taken out of every message, and the cases that
use it run until one fails. A field that no case misses has survived.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from rockqueue_conformance.folders import data_folder
from rockqueue_conformance.language.model import Variant, flat
from rockqueue_conformance.runner.execute import execute
from rockqueue_conformance.runner.suite import Target
from rockqueue_conformance.target.slot import Slot
from rockqueue_conformance.wire.mutation import FieldUse, Mutation, Recorder, all_fields

PATIENCE_S = 1.0
"""How long a step waits for what a missing field keeps from coming."""


@dataclass(frozen=True, slots=True)
class FieldVerdict:
    """What became of a field: the first variant that missed it, or why it may be missed; neither means it survived."""

    use: FieldUse
    missed_by: str
    excuse: str = ""

    @property
    def survived(self) -> bool:
        return not self.missed_by and not self.excuse

    def __str__(self) -> str:
        fate = self.missed_by or (f"may be missed: {self.excuse}" if self.excuse else "SURVIVED")
        return f"{self.use!s:<58} {fate}"


def load_excuses(folder: Path | None = None) -> dict[str, str]:
    """Fields that no case can miss, by name, with the reason."""
    path = (folder or data_folder("requirements")) / "unobservable.yaml"
    return cast(dict[str, str], yaml.load(path.read_text(), Loader=yaml.CSafeLoader))


async def prove_fields(
    variants: Sequence[Variant], target: Target, jobs: int, chosen: str, on_verdict: Callable[[FieldVerdict], None]
) -> list[FieldVerdict]:
    """The verdict on each field whose name holds `chosen`. `jobs` servers at a time."""
    excuses = load_excuses()
    used_by = await _record([variant for variant in variants if not _only_refuses(variant)], target, jobs)
    waiting = [use for use in all_fields() if chosen in str(use)]
    verdicts: list[FieldVerdict] = []

    async def worker() -> None:
        slot = _slot(target)
        slot.patience_s = PATIENCE_S
        while waiting:
            use = waiting.pop(0)
            missed_by = await _miss(slot, use, used_by[use])
            verdict = FieldVerdict(use, missed_by, "" if missed_by else excuses.get(str(use), ""))
            verdicts.append(verdict)
            on_verdict(verdict)
        await slot.close()

    await asyncio.gather(*(worker() for _ in range(jobs)))
    return verdicts


def _slot(target: Target) -> Slot:
    return Slot(target.command, target.address, target.args, reference=target.reference)


async def _record(variants: Sequence[Variant], target: Target, jobs: int) -> dict[FieldUse, list[Variant]]:
    """The variants that pass, by the fields that travel in them; those with the fewest fields first."""
    waiting = list(variants)
    fields: list[tuple[Variant, set[FieldUse]]] = []

    async def worker() -> None:
        slot = _slot(target)
        while waiting:
            variant = waiting.pop(0)
            recorder = Recorder()
            slot.watch_fields(recorder)
            if (await execute(variant, slot)).outcome == "passed":
                fields.append((variant, recorder.seen))
        await slot.close()

    await asyncio.gather(*(worker() for _ in range(jobs)))
    fields.sort(key=lambda one: (_needs_a_server(one[0]), len(one[1])))
    used_by: dict[FieldUse, list[Variant]] = defaultdict(list)
    for variant, seen in fields:
        for use in seen:
            used_by[use].append(variant)
    return used_by


def _only_refuses(variant: Variant) -> bool:
    """It sees that bad values are refused; a server could do that and ignore the good ones."""
    case = variant.case
    return case.area == "errors" or any(step.kind == "rejects" or "ended" in step.options for step in flat(case.steps))


def _needs_a_server(variant: Variant) -> bool:
    """It starts a server of its own, which takes a second: the others first."""
    return variant.case.fresh or "process" in variant.case.needs


async def _miss(slot: Slot, use: FieldUse, variants: Sequence[Variant]) -> str:
    """The first variant that fails without the field."""
    slot.watch_fields(Mutation(use))
    for variant in variants:
        if (await execute(variant, slot)).outcome == "failed":
            return variant.id
    return ""


def unknown_excuses(excuses: dict[str, Any]) -> list[str]:
    """Excuses for fields that the contract does not have."""
    names = {str(use) for use in all_fields()}
    return [name for name in excuses if name not in names]
