"""Each field of the contract has a case that fails when the field does nothing: tried, field by field.

A first run notes which fields each case makes travel. Then each field is taken out of every message, and the cases that
use it run until one fails. A field that no case misses has survived.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from rockqueue_conformance.folders import data_folder
from rockqueue_conformance.language.model import Variant, flat
from rockqueue_conformance.runner.execute import execute
from rockqueue_conformance.runner.suite import Target, spread
from rockqueue_conformance.target.slot import Slot
from rockqueue_conformance.wire.mutation import FieldUse, Mutation, Recorder, all_fields

PATIENCE_S = 1.0
"""How long a step waits for what a missing field keeps from coming."""


@dataclass(frozen=True, slots=True)
class FieldVerdict:
    """What became of a field: the first variant that missed it, or the excuse for that none can.

    A field with neither survived. One with both has an excuse that does not hold.
    """

    use: FieldUse
    missed_by: str
    excuse: str = ""

    @property
    def survived(self) -> bool:
        return not self.missed_by and not self.excuse

    @property
    def excused_in_vain(self) -> bool:
        return bool(self.missed_by and self.excuse)

    def __str__(self) -> str:
        fate = self.missed_by or (f"may be missed: {self.excuse}" if self.excuse else "SURVIVED")
        return f"{self.use!s:<58} {fate}" + (" EXCUSED IN VAIN" if self.excused_in_vain else "")


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

    async def tried(use: FieldUse, slot: Slot) -> FieldVerdict:
        slot.patience_s = PATIENCE_S
        missed_by = await _miss(slot, use, used_by[use])
        return FieldVerdict(use, missed_by, excuses.get(str(use), ""))

    wanted = [use for use in all_fields() if chosen in str(use)]
    return await spread(wanted, target.slot, jobs, tried, on_verdict)


async def _record(variants: Sequence[Variant], target: Target, jobs: int) -> dict[FieldUse, list[Variant]]:
    """The variants that pass, by the fields that travel in them; those with the fewest fields first."""

    async def recorded(variant: Variant, slot: Slot) -> tuple[Variant, set[FieldUse]]:
        recorder = Recorder()
        slot.watch_fields(recorder)
        passed = (await execute(variant, slot)).outcome == "passed"
        return variant, recorder.seen if passed else set()

    fields = await spread(variants, target.slot, jobs, recorded)
    used_by: dict[FieldUse, list[Variant]] = defaultdict(list)
    for variant, seen in sorted(fields, key=lambda one: (_needs_a_server(one[0]), len(one[1]))):
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
    for variant in variants:
        if await _misses(slot, use, variant):
            return variant.id
    return ""


async def _misses(slot: Slot, use: FieldUse, variant: Variant) -> bool:
    """Whether it fails without the field, and passes with it: a server that is slow or unfit misses nothing."""

    async def passes(on_the_way: Mutation | Recorder) -> bool:
        slot.watch_fields(on_the_way)
        return (await execute(variant, slot)).outcome == "passed"

    if await passes(Mutation(use)):
        return False
    if await passes(Recorder()):
        return True
    # What failed with the field has made room for a new server.
    return await passes(Recorder()) and not await passes(Mutation(use))


def unknown_excuses(excuses: dict[str, Any]) -> list[str]:
    """Excuses for fields that the contract does not have."""
    names = {str(use) for use in all_fields()}
    return [name for name in excuses if name not in names]
