"""The command `rockqueue-torture`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rockqueue_torture.environment.commands import app as environment
from rockqueue_torture.options import ALL_SDKS, Directory, Sdks, Seed, available, chosen_seed, new_console

_ROUNDS_PER_STORE = 20

app = typer.Typer(
    name="rockqueue-torture",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(environment)

Rounds = Annotated[int, typer.Option(min=1, help="So many rounds; a round is one death of the server.")]
Seconds = Annotated[float, typer.Option(min=0, help="Begin no further run after so many seconds; 0: no limit.")]


@app.callback()
def describe() -> None:
    """Kills, cuts and starves real RockQueue servers on this machine, and checks what clients saw."""


@app.command()
def kill(
    rounds: Rounds = 100,
    seed: Seed = None,
    seconds: Seconds = 0,
    sdks: Sdks = ALL_SDKS,
    directory: Directory = None,
) -> None:
    """Kill servers and workers by kill -9, at random and at failpoints, under load; then read and check everything."""
    console = new_console()
    _exit(asyncio.run(_kill(console, rounds, chosen_seed(seed), seconds, available(console, sdks), directory)))


@app.command()
def power(rounds: Rounds = 100, seed: Seed = None, seconds: Seconds = 0, directory: Directory = None) -> None:
    """Cut the power: kill servers under load and take away every byte and entry that they had not synced."""
    console = new_console()
    _exit(asyncio.run(_power(console, rounds, chosen_seed(seed), seconds, directory)))


@app.command()
def schedules(rounds: Rounds = 100, seed: Seed = None, seconds: Seconds = 0, directory: Directory = None) -> None:
    """Kill servers while the slots of schedules come due; then look whether each slot made one job."""
    console = new_console()
    _exit(asyncio.run(_schedules(console, rounds, chosen_seed(seed), seconds, directory)))


@app.command()
def mutants(
    names: Annotated[list[str] | None, typer.Argument(help="Only these. Default: all.", show_default=False)] = None,
    rounds: Annotated[int, typer.Option(min=1, help="So many runs at most until a mutant is caught.")] = 6,
    seed: Seed = None,
    seconds: Seconds = 0,
    directory: Directory = None,
) -> None:
    """Run servers with seeded defects until the checker has caught each; fails if one survives."""
    console = new_console()
    _exit(asyncio.run(_mutants(console, names or [], rounds, chosen_seed(seed), seconds, directory)))


@app.command("all")
def run_all(
    rounds: Rounds = 100,
    seed: Seed = None,
    seconds: Annotated[
        float, typer.Option(min=0, help="How long each torment may take, about; 0: until its rounds are done.")
    ] = 600,
    sdks: Sdks = ALL_SDKS,
    directory: Directory = None,
) -> None:
    """Every torment, one after the other: mutants, kill, power, schedules, disk, time, network, soak."""
    console = new_console()
    first = chosen_seed(seed)
    console.print(f"seed {first}")
    fine = {
        "mutants": asyncio.run(_mutants(console, [], 6, first, seconds, directory)),
        "kill": asyncio.run(_kill(console, rounds, first, seconds, available(console, sdks), directory)),
        "power": asyncio.run(_power(console, rounds, first, seconds, directory)),
        "schedules": asyncio.run(_schedules(console, rounds, first, seconds, directory)),
    }
    for name in ("disk", "time", "network", "soak"):
        command = [sys.executable, "-m", "rockqueue_torture", name, "--seed", str(first)]
        command += ["--seconds", str(seconds)] if seconds else []
        command += ["--sdks", sdks] if name != "disk" else []
        command += ["--dir", str(directory)] if directory is not None else []
        console.print(f"{name}:")
        fine[name] = subprocess.run(command, check=False).returncode == 0  # noqa: S603 - this very program
    console.print(", ".join(f"{name} {'passed' if good else 'FAILED'}" for name, good in fine.items()))
    _exit(all(fine.values()))


async def _kill(
    console: Console, rounds: int, seed: int, seconds: float, sdks: tuple[str, ...], directory: Path | None
) -> bool:
    from rockqueue_torture.kill import KillPlan, kill_run
    from rockqueue_torture.sessions import Sessions

    sessions = Sessions("kill", rounds, seed, seconds, _ROUNDS_PER_STORE, directory)
    return await sessions.run(console, lambda home, one, count: kill_run(home, KillPlan(count, one, sdks)))


async def _power(console: Console, rounds: int, seed: int, seconds: float, directory: Path | None) -> bool:
    from rockqueue_torture.native import CompilerMissing
    from rockqueue_torture.power import PowerPlan, power_run
    from rockqueue_torture.sessions import Sessions

    sessions = Sessions("power", rounds, seed, seconds, _ROUNDS_PER_STORE, directory)
    try:
        return await sessions.run(console, lambda home, one, count: power_run(home, PowerPlan(count, one)))
    except CompilerMissing as error:
        console.print(f"power was left out: {error}", markup=False)
        return True


async def _schedules(console: Console, rounds: int, seed: int, seconds: float, directory: Path | None) -> bool:
    from rockqueue_torture.schedules import SchedulePlan, schedule_run
    from rockqueue_torture.sessions import Sessions

    sessions = Sessions("schedules", rounds, seed, seconds, _ROUNDS_PER_STORE, directory)
    return await sessions.run(console, lambda home, one, count: schedule_run(home, SchedulePlan(count, one)))


async def _mutants(
    console: Console, names: list[str], tries: int, seed: int, seconds: float, directory: Path | None
) -> bool:
    from rockqueue_torture.mutants import MUTANTS, hunt_all

    unknown = set(names) - {mutant.defect for mutant in MUTANTS}
    if unknown:
        raise typer.BadParameter(f"no mutant {', '.join(sorted(unknown))}")
    chosen = tuple(mutant for mutant in MUTANTS if not names or mutant.defect in names)
    survivors = await hunt_all(console, chosen, seed=seed, tries=tries, seconds=seconds, directory=directory)
    console.print(f"mutants: {len(chosen) - len(survivors)} of {len(chosen)} caught, seed {seed}")
    return not survivors


def _exit(fine: bool) -> None:
    raise typer.Exit(0 if fine else 1)


def main() -> None:
    """Entry point of the command."""
    app()
