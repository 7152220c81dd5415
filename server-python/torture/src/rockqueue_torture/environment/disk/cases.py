"""All that is done to the disk, as cases; and the table of what came of damaged files."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from rockqueue_torture.environment.cases import Case, Told
from rockqueue_torture.environment.disk.corruption import (
    GOOD,
    Corruption,
    Outcome,
    damage_all,
    examiner,
    make_store,
    tally,
)
from rockqueue_torture.environment.disk.corruption import Case as DamageCase
from rockqueue_torture.environment.disk.full import fill_and_free, make_read_only
from rockqueue_torture.environment.disk.private_disk import missing_for_private_disk
from rockqueue_torture.environment.disk.refusing import choose_fault, refuse
from rockqueue_torture.native import CompilerMissing

PLACES_PER_FILE = 4
SHOWN = 12
# In memory where there is such a place: a damaged store is looked at hundreds of times.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


def damage(console: Console, seed: int, until: float) -> bool:
    """Damages places until the time is up, and prints the table. True when nothing was lost in silence."""
    folder = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    cases: list[DamageCase] = []
    with tempfile.TemporaryDirectory(prefix="rockqueue-damage-", dir=folder) as name:
        home = Path(name)
        store = make_store(home, seed)
        with examiner(home / "examiner.log") as looker:
            for case in damage_all(Corruption(home, store, looker), store, seed, PLACES_PER_FILE):
                cases.append(case)
                if time.monotonic() >= until:
                    break
    console.print(damage_table(cases))
    bad = [case for case in cases if case.outcome not in GOOD]
    for case in bad[:SHOWN]:
        console.print(f"    {case.outcome}: {case.place}: {case.story}", markup=False)
    console.print(f"damage: seed {seed}, {len(cases)} places, {len(bad)} of them went wrong", markup=False)
    return not bad


def damage_table(cases: list[DamageCase]) -> Table:
    """Kind of file and of damage, and how often what came of it."""
    table = Table("file", "damage", *(str(outcome) for outcome in Outcome))
    kinds = tally(cases)
    for (file, kind), counted in kinds.items():
        table.add_row(file, kind, *(str(counted[outcome] or "") for outcome in Outcome))
    total = Counter(case.outcome for case in cases)
    table.add_row("all", "", *(str(total[outcome] or "") for outcome in Outcome), style="bold")
    return table


def disk_cases(console: Console, seed: int, rounds: int) -> Iterator[Case]:
    """Refused calls, full disks, a read-only disk: `rounds` times."""
    chance = random.Random(seed)  # noqa: S311 - a seed must give the same faults again
    private = missing_for_private_disk()
    if private:
        console.print(f"without full and read-only disks: {private}", markup=False)
    for _ in range(rounds):
        for _ in range(6):
            yield Case("disk refuses", partial(_refused, chance.getrandbits(32)))
        if private:
            continue
        for min_free_mib in (0, 64):
            for kill in (False, True):
                yield Case("disk full", partial(_filled, min_free_mib, kill))
        yield Case("disk read-only", _read_only)


async def _refused(fault_seed: int, home: Path, seed: int) -> Told:
    fault = choose_fault(random.Random(fault_seed))  # noqa: S311
    try:
        refused = await refuse(home, fault, seed)
    except CompilerMissing as error:
        return Told(f"not done: {error}", [])
    told = f"{fault}: {refused.ended}, {refused.acknowledged} acknowledged, {refused.repeated} had to be repeated"
    return Told(told if refused.hit else f"{told} (the call never came)", refused.wrong)


async def _filled(min_free_mib: int, kill: bool, home: Path, seed: int) -> Told:  # noqa: FBT001 - bound by partial
    filled = await fill_and_free(home, seed, min_free_mib=min_free_mib, kill=kill)
    restarted = f", start when full: {filled.started_when_full}" if kill else ""
    return Told(
        f"{min_free_mib} MiB kept free: {filled.refused_with}{restarted}, served again {filled.back_after_s:.1f} s "
        f"after space was freed, {filled.acknowledged} acknowledged",
        filled.wrong,
    )


async def _read_only(home: Path, seed: int) -> Told:
    return Told("refused with advice, and whole again when writable", await make_read_only(home, seed))
