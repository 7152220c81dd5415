"""Servers with a seeded defect, each of which the checker must catch: one that catches nothing proves nothing."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from rockqueue_torture.kill import KillPlan, kill_run
from rockqueue_torture.load import LoadPlan
from rockqueue_torture.power import PowerPlan, power_run
from rockqueue_torture.schedules import SchedulePlan, schedule_run
from rockqueue_torture.verdict import Verdict

_CALM_S = 3.0
_HOUR_S = 3600.0
_CLOCK_S = 13.0
"""The server looks at the wall clock every 5 s, and the step is made in the middle."""
# Fewer queues and no rest: the more happens at once, the sooner a defect shows.
_BUSY = LoadPlan(producers=3, workers=4, queues=("plain",), pause_s=0.01, cancel_pause_s=1.0)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A defect of the server, and the properties by which it may be caught."""

    defect: str
    text: str
    properties: frozenset[str]
    torment: str = "calm"
    """calm: no fault but the defect; kill, power, clock, schedules: what it takes to make it show."""


def _mutant(defect: str, text: str, properties: str, torment: str = "calm") -> Mutant:
    return Mutant(defect, text, frozenset(properties.split()), torment)


MUTANTS = (
    _mutant("ack_before_sync", "a push is answered before the log is synced", "P1 P12 P13", "power"),
    _mutant("ack_before_write", "a push is answered before it is written", "P1", "kill"),
    _mutant("accept_stale_lease", "the token of a settlement is not compared", "P4 P5"),
    _mutant("fence_off_by_one", "the token of the attempt before is accepted too", "P4 P5"),
    _mutant("lease_by_wall_clock", "leases end by the wall clock", "P6", "clock"),
    _mutant("batch_not_atomic", "a batch is written in two parts", "P11 P12", "kill"),
    _mutant("ignore_priority", "jobs are picked from the wrong end", "P9 P10"),
    _mutant("forget_request_id", "request ids are not remembered", "P11"),
    _mutant("delete_before_done", "a delivery is removed before the job's end is written", "P1 P14", "kill"),
    _mutant("extend_ignored", "an extension is answered and does nothing", "P6"),
    _mutant("reuse_attempt_number", "a released attempt's number is given again", "P8"),
    _mutant("counters_drift", "counters are read wrongly at a start", "P14", "kill"),
    _mutant("schedule_advance_not_atomic", "a slot's job and the next slot are two commits", "P15", "schedules"),
)


async def hunt(mutant: Mutant, seed: int, tries: int, directory: Path | None) -> tuple[Verdict | None, int]:
    """Runs a mutant until it is caught; what caught it, and after how many runs. None when it survives."""
    for attempt in range(1, tries + 1):
        home = Path(tempfile.mkdtemp(prefix=f"rockqueue-mutant-{mutant.defect}-", dir=directory))
        verdict = await _run(mutant, home, seed + attempt - 1)
        caught = {violation.property for violation in verdict.violations} & mutant.properties
        verdict.violations = [one for one in verdict.violations if one.property in caught] if caught else []
        found, verdict.violations = verdict.violations, []
        verdict.clean_up()
        verdict.violations = found
        if caught:
            return verdict, attempt
    return None, tries


async def hunt_all(
    console: Console,
    chosen: tuple[Mutant, ...],
    *,
    seed: int,
    tries: int,
    seconds: float = 0,
    directory: Path | None = None,
) -> list[str]:
    """Hunts each of them, and says how it was caught; the names of those that survived, or were not hunted in time."""
    survivors: list[str] = []
    began = time.monotonic()
    for mutant in chosen:
        if seconds and time.monotonic() - began > seconds:
            survivors.append(mutant.defect)
            console.print(f"no time was left for {mutant.defect}: allow more --seconds", markup=False)
            continue
        verdict, runs = await hunt(mutant, seed, tries, directory)
        if verdict is None:
            survivors.append(mutant.defect)
            console.print(f"SURVIVED {mutant.defect}: {mutant.text}; {runs} runs from seed {seed}", markup=False)
            continue
        first = verdict.violations[0]
        console.print(
            f"caught {mutant.defect} ({mutant.text}) by {first.property} in run {runs}, seed {verdict.seed}: "
            f"{first.story.splitlines()[0]}",
            markup=False,
        )
    return survivors


async def _run(mutant: Mutant, home: Path, seed: int) -> Verdict:
    arguments = ("--defect", mutant.defect)
    if mutant.torment == "power":
        return await power_run(
            home, PowerPlan(2, seed, least_s=0.8, most_s=1.5, failpoints=(), arguments=arguments, extents=("all",))
        )
    if mutant.torment == "schedules":
        return await schedule_run(home, SchedulePlan(4, seed, arguments=arguments))
    rounds, failpoints = 1, ()
    least_s = most_s = _CALM_S
    if mutant.torment == "kill":
        rounds, least_s, most_s = 3, 0.3, 1.0
    if mutant.torment == "clock":
        least_s = most_s = _CLOCK_S
    plan = KillPlan(
        rounds,
        seed,
        sdks=(),
        least_s=least_s,
        most_s=most_s,
        failpoints=failpoints,
        arguments=arguments,
        clock_step_s=_HOUR_S if mutant.torment == "clock" else 0.0,
        check_every=1000,
        load=_BUSY,
    )
    return await kill_run(home, plan)
