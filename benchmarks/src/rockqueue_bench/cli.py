"""The command `rockqueue-bench`."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rockqueue_bench.bench import Bench
from rockqueue_bench.machine import machine_facts
from rockqueue_bench.progress import RunProgress
from rockqueue_bench.report.summary import summary
from rockqueue_bench.report.table import costs_table, facts_line, values_table
from rockqueue_bench.results import Row
from rockqueue_bench.run import PLANS, Plan, UnknownRow, choose, measure_all
from rockqueue_bench.scale import DEEP_BACKLOG, FULL, QUICK, Scale

# Where output goes to a file, nothing says how wide it may be.
WIDTH = 120

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def describe() -> None:
    """Measures a RockQueue server with real clients on this machine, beside the budgets."""


@app.command()
def run(
    rows: Annotated[str, typer.Option(help="Only these rows, by commas. `rockqueue-bench rows` lists them.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Short rows, less than a minute in all; no backlog.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="The backlog also with 5,000,000 waiting jobs.")] = False,
    seconds: Annotated[float, typer.Option(help="How long a row is timed; 0: 10, or 2 with --quick.", min=0)] = 0,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Where the stores are made, on the disk to be measured.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the JSON object here.")] = None,
) -> None:
    """Measures; the last line is one JSON object. Exits with 1 when a row could not be measured, 2 for a wrong option.

    A budget that is missed is told, and is no failure: figures of a busy machine prove nothing.
    """
    scale = _scale(quick=quick, deep=deep, seconds=seconds)
    try:
        plans = choose([name.strip() for name in rows.split(",") if name.strip()], quick=quick)
    except UnknownRow as error:
        raise typer.BadParameter(str(error), param_hint="--rows") from None
    if directory is not None and not directory.is_dir():
        raise typer.BadParameter(f"{directory} is no directory", param_hint="--dir")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="rockqueue-bench-", dir=directory) as root:
        facts = machine_facts(Path(root))
        try:
            measured = asyncio.run(_measure(Bench(Path(root), scale), plans, console))
        except asyncio.CancelledError:
            raise typer.Exit(128 + signal.SIGTERM) from None
    told = summary(
        measured,
        facts,
        mode="quick" if quick else "full",
        ended=datetime.now(UTC),
        seconds=time.perf_counter() - began,
    )
    console.print(values_table(measured))
    console.print(costs_table(measured))
    console.print(facts_line(facts), markup=False)
    if facts["file_system"] in {"tmpfs", "ramfs"}:
        console.print("the stores were in memory: an fsync costs nothing there. Name a directory on a disk by --dir")
    line = json.dumps(told)
    if json_file is not None:
        json_file.write_text(line + "\n")
    print(line)
    raise typer.Exit(1 if told["failed"] else 0)


@app.command("rows")
def list_rows() -> None:
    """Lists the rows with the values that they measure."""
    for plan in PLANS:
        values = ", ".join(plan.metrics) or "backlog_N_..."
        print(f"{plan.name:<20} {values}{'' if plan.quick else '  (not with --quick)'}")


def _scale(*, quick: bool, deep: bool, seconds: float) -> Scale:
    scale = QUICK if quick else FULL
    if deep:
        scale = replace(scale, backlogs=(*scale.backlogs, DEEP_BACKLOG))
    return scale.lasting(seconds) if seconds else scale


async def _measure(bench: Bench, plans: list[Plan], console: Console) -> list[Row]:
    """Measures; a SIGTERM ends the processes that were started, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with RunProgress(console, len(plans)) as progress:
        return await measure_all(bench, plans, progress)


def main() -> None:
    """Entry point of the command."""
    app()
