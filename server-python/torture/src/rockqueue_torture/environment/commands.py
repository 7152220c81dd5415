"""The commands `disk`, `time`, `network` and `soak` of `rockqueue-torture`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rockqueue_torture.environment.cases import Case, Told, run_cases
from rockqueue_torture.options import ALL_SDKS, Directory, Sdks, Seed, available, chosen_seed, new_console

app = typer.Typer(no_args_is_help=True)

Seconds = Annotated[float, typer.Option(min=1, help="Begin nothing new after so many seconds.")]
Rounds = Annotated[int, typer.Option(min=1, help="All cases so many times, each time with other seeds.")]


@app.command()
def disk(seed: Seed = None, seconds: Seconds = 600, rounds: Rounds = 1, directory: Directory = None) -> None:
    """Damage every kind of file in many places; make fsync and write fail; fill the disk; make it read-only."""
    from rockqueue_torture.environment.disk.cases import damage, disk_cases

    console, seed = _begin("disk", seed)
    now = time.monotonic()
    good = damage(console, seed, now + seconds / 2)
    cases = disk_cases(console, seed, rounds)
    good &= asyncio.run(run_cases(console, cases, seed=seed, until=now + seconds, directory=directory))
    raise typer.Exit(0 if good else 1)


@app.command("time")
def time_command(
    seed: Seed = None,
    seconds: Seconds = 600,
    rounds: Rounds = 1,
    sdks: Sdks = ALL_SDKS,
    directory: Directory = None,
) -> None:
    """Stop servers and workers for longer than a lease; set the wall clock by hours, forward and back."""
    console, seed = _begin("time", seed)
    cases = (case for _ in range(rounds) for case in _time_cases(_available(console, sdks)))
    _finish(console, cases, seed, seconds, directory)


@app.command()
def network(
    seed: Seed = None,
    seconds: Seconds = 900,
    rounds: Rounds = 1,
    sdks: Sdks = ALL_SDKS,
    directory: Directory = None,
) -> None:
    """Delay, cut, swallow, reset, throttle; readers that do not read, thousands of connections, floods."""
    console, seed = _begin("network", seed)
    cases = (case for _ in range(rounds) for case in _network_cases(_available(console, sdks)))
    _finish(console, cases, seed, seconds, directory)


@app.command()
def soak(
    seed: Seed = None,
    seconds: Annotated[float, typer.Option(min=1, help="For how long.")] = 600,
    sdks: Sdks = ALL_SDKS,
    directory: Directory = None,
) -> None:
    """Mixed work for a long time: memory and latency stay level, the books balance, no property is broken."""
    console, seed = _begin("soak", seed)
    cases = [Case("soak", partial(_soaked, console, seconds, _available(console, sdks)))]
    _finish(console, cases, seed, seconds, directory)


def _time_cases(sdks: Sequence[str]) -> Iterator[Case]:
    from rockqueue_torture.environment.clocks.pauses import PAUSES, Pause, pause
    from rockqueue_torture.environment.clocks.wall_clock import SCENARIOS, Scenario, step_wall_clock
    from rockqueue_torture.native import CompilerMissing

    async def stepped(scenario: Scenario, home: Path, seed: int) -> Told:
        try:
            found = await step_wall_clock(home, seed, scenario)
        except CompilerMissing as error:
            return Told(f"left out: {error}", [])
        return Told(f"a delayed job started after {found.fired_after_s:.1f} s", found.wrong + found.late)

    async def paused(what: Pause, sdk: str, home: Path, seed: int) -> Told:
        found = await pause(home, seed, what, sdk=sdk)
        return Told(f"{found.jobs} jobs, {found.deliveries} deliveries, {found.crashes} crashes charged", found.wrong)

    for name, scenario in SCENARIOS.items():
        yield Case(f"wall clock: {name}", partial(stepped, scenario))
    for name, what in PAUSES.items():
        for sdk in sdks:
            yield Case(f"{name}: {sdk}", partial(paused, what, sdk))


def _network_cases(sdks: Sequence[str]) -> Iterator[Case]:
    from rockqueue_torture.environment.network.crowds import CROWDS, Crowd
    from rockqueue_torture.environment.network.endurance import endure
    from rockqueue_torture.environment.network.faults import FAULTS, Fault, suffer

    async def suffered(fault: Fault, sdk: str, home: Path, seed: int) -> Told:
        found = await suffer(home, seed, fault, sdk=sdk)
        return Told(
            f"works again after {found.works_again_after_s:.1f} s, others pushed {found.pushed_by_others}, "
            f"{found.unknown} pushes had no answer, {found.rss_mib:.0f} MiB",
            found.wrong,
        )

    async def endured(crowd: Crowd, sdk: str, home: Path, seed: int) -> Told:
        found = await endure(home, seed, crowd, sdk=sdk)
        return Told(
            f"others: {found.served} served, {found.refused} refused, slowest {found.slowest_ms:.0f} ms; "
            f"{found.mib_before:.0f} MiB before, at most {found.mib_peak:.0f}, {found.mib_after:.0f} after",
            found.wrong,
        )

    for name, fault in FAULTS.items():
        for sdk in sdks:
            yield Case(f"{name}: {sdk}", partial(suffered, fault, sdk))
    for at, (name, crowd) in enumerate(CROWDS.items()):
        yield Case(name, partial(endured, crowd, sdks[at % len(sdks)]))


async def _soaked(console: Console, seconds: float, sdks: Sequence[str], home: Path, seed: int) -> Told:
    from rockqueue_torture.environment.soak.report import progress_line, summary
    from rockqueue_torture.environment.soak.soak import soak as run_soak

    found = await run_soak(home, seed, seconds, sdks, lambda now: console.print(progress_line(now), markup=False))
    console.print(summary(found))
    return Told(f"{found.seconds:.0f} s, {found.pushed} jobs, {found.events} events of history", found.wrong)


def _begin(torment: str, seed: int | None) -> tuple[Console, int]:
    console, chosen = new_console(), chosen_seed(seed)
    console.print(f"{torment}: seed {chosen}", markup=False)
    return console, chosen


def _finish(
    console: Console, cases: Iterator[Case] | Sequence[Case], seed: int, seconds: float, directory: Path | None
) -> None:
    until = time.monotonic() + seconds
    raise typer.Exit(0 if asyncio.run(run_cases(console, cases, seed=seed, until=until, directory=directory)) else 1)


def _available(console: Console, sdks: str) -> Sequence[str]:
    found = available(console, sdks)
    if not found:
        raise typer.BadParameter("no worker can be built", param_hint="--sdks")
    return found
