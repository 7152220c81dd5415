"""Cases one after the other, each in a folder of its own, within a time; what a failed one left behind is kept."""

from __future__ import annotations

import shutil
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console


@dataclass(frozen=True, slots=True)
class Told:
    """What a case has to say, and what was wrong."""

    text: str
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to be done to a server, in a folder that exists, with a seed."""

    name: str
    run: Callable[[Path, int], Awaitable[Told]]


async def run_cases(
    console: Console, cases: Iterable[Case], *, seed: int, until: float, directory: Path | None = None
) -> bool:
    """Runs the cases with growing seeds; none begins after `until` of the monotonic clock. True when all was well."""
    good, done = True, 0
    for case in cases:
        if time.monotonic() >= until:
            console.print("the time is up; the other cases were not begun", markup=False)
            break
        good &= await _run(console, case, seed + done, directory)
        done += 1
    return good and done > 0


async def _run(console: Console, case: Case, seed: int, directory: Path | None) -> bool:
    home = Path(tempfile.mkdtemp(prefix="rockqueue-torture-", dir=directory))
    began = time.monotonic()
    try:
        told = await case.run(home, seed)
    except Exception:  # noqa: BLE001 - one case that breaks off must not hide the others
        told = Told("broke off", [traceback.format_exc()])
    verdict = "WRONG" if told.wrong else "ok"
    console.print(
        f"{case.name:<34} seed {seed:<8} {time.monotonic() - began:6.1f} s  {verdict:<6} {told.text}", markup=False
    )
    for wrong in told.wrong:
        console.print(f"    {wrong}", markup=False)
    if told.wrong:
        console.print(f"    store and log are kept in {home}", markup=False)
        return False
    shutil.rmtree(home, ignore_errors=True)
    return True
