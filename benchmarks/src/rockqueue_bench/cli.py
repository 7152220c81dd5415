"""The command `rockqueue-bench`."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rockqueue_bench.growth import plan as growth_plan
from rockqueue_bench.languages import ROOT
from rockqueue_bench.progress import RunProgress
from rockqueue_bench.record import NoRecord, Record
from rockqueue_bench.report.table import costs_table, facts_line, rates_table, values_table
from rockqueue_bench.run import PLANS, UnknownRow, choose
from rockqueue_bench.scale import FULL, QUICK, Scale
from rockqueue_bench.whole import PARTS, Order, measure

# Where output goes to a file, nothing says how wide it may be.
WIDTH = 120
DOCS = ROOT / "docs"
_KINDS = ", ".join(kind.name for kind in growth_plan.KINDS)

Deep = Annotated[bool, typer.Option("--deep", help="Backlog and listing also with 5,000,000 jobs.")]
Seconds = Annotated[float, typer.Option(help="How long a row is timed; 0: 10, or 1.5 with --quick.", min=0)]
Directory = Annotated[
    Path | None, typer.Option("--dir", help="Where the stores are made, on the disk to be measured.", file_okay=False)
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write all that was measured here.")]

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def describe() -> None:
    """Measures a RockQueue server with real clients on this machine, beside the budgets."""


@app.command()
def run(
    rows: Annotated[str, typer.Option(help="Only these rows, by commas. `rockqueue-bench rows` lists them.")] = "",
    parts: Annotated[str, typer.Option(help=f"Only these parts, by commas: {', '.join(PARTS)}.")] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Short rows, less than a minute in all; no other part.")
    ] = False,
    deep: Deep = False,
    seconds: Seconds = 0,
    directory: Directory = None,
    json_file: JsonFile = None,
    keep: Annotated[bool, typer.Option("--keep", help="Add the values to docs/benchmarks/history.jsonl.")] = False,
) -> None:
    """Measures; the last line is one JSON object of all values. Exits with 1 when one could not be measured.

    A budget that is missed is told, and is no failure: figures of a busy machine prove nothing. Neither is a row whose
    tools are not on this machine: it is left out.
    """
    wanted = _listed(parts) or (["rows"] if quick or rows else list(PARTS))
    if unknown := set(wanted) - set(PARTS):
        raise typer.BadParameter(
            f"no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}", param_hint="--parts"
        )
    try:
        plans = choose(_listed(rows))
    except UnknownRow as error:
        raise typer.BadParameter(str(error), param_hint="--rows") from None
    order = Order(
        "quick" if quick else "full",
        _scale(QUICK if quick else FULL, deep=deep, seconds=seconds),
        plans=plans if "rows" in wanted else (),
        shapes="shapes" in wanted,
        growth=growth_plan.KINDS if "growth" in wanted else (),
        growth_within_s=growth_plan.DEEP_WITHIN_S if deep else growth_plan.WITHIN_S,
        peers="peers" in wanted,
    )
    record = _measured(order, directory, json_file)
    if keep:
        from rockqueue_bench.report.history import keep_values

        keep_values(DOCS, record)
    _close(record)


@app.command()
def growth(
    only: Annotated[str, typer.Option(help=f"Only these, by commas: {_KINDS}.")] = "",
    deep: Deep = False,
    seconds: Seconds = 0,
    directory: Directory = None,
    json_file: JsonFile = None,
) -> None:
    """Measures what becomes of rates, memory and waits when there is more; a part of the full run."""
    try:
        kinds = growth_plan.choose(_listed(only))
    except growth_plan.UnknownKind as error:
        raise typer.BadParameter(str(error), param_hint="--only") from None
    within_s = growth_plan.DEEP_WITHIN_S if deep else growth_plan.WITHIN_S
    scale = _scale(FULL, deep=deep, seconds=seconds)
    _close(_measured(Order("growth", scale, growth=kinds, growth_within_s=within_s), directory, json_file))


@app.command()
def report(
    file: Annotated[Path, typer.Argument(help="What a run has written with --json.", exists=True, dir_okay=False)],
    docs: Annotated[Path, typer.Option(help="Where benchmarks.md and its plots are written.", file_okay=False)] = DOCS,
) -> None:
    """Writes docs/benchmarks.md, and its plots, from the result of a run."""
    from rockqueue_bench.report.page import write_page

    try:
        record = Record.of_data(json.loads(file.read_text()))
    except (NoRecord, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint=str(file)) from None
    for path in write_page(docs, record):
        print(path)


@app.command("rows")
def list_rows() -> None:
    """Lists the rows with the values that they measure."""
    for plan in PLANS:
        print(f"{plan.name:<20} {', '.join(plan.metrics)}")


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _scale(scale: Scale, *, deep: bool, seconds: float) -> Scale:
    if deep:
        scale = scale.deep()
    return scale.lasting(seconds) if seconds else scale


def _measured(order: Order, directory: Path | None, json_file: Path | None) -> Record:
    """Measures, and shows the tables."""
    if directory is not None and not directory.is_dir():
        raise typer.BadParameter(f"{directory} is no directory", param_hint="--dir")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    try:
        with RunProgress(console) as progress:
            record = asyncio.run(measure(order, directory, progress))
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
    if json_file is not None:
        json_file.write_text(json.dumps(record.as_data()) + "\n")
    console.print(values_table([*record.rows, *record.curves]))
    if record.rows:
        console.print(costs_table(record.rows))
    if any(len(row.rates) > 1 for row in record.rows):
        console.print(rates_table(record.rows))
    console.print(facts_line(record.machine), markup=False)
    if record.machine["file_system"] in {"tmpfs", "ramfs"}:
        console.print("the stores were in memory: an fsync costs nothing there. Name a directory on a disk by --dir")
    return record


def _close(record: Record) -> None:
    for name in record.failed:
        print(f"failed: {name}")
    print(json.dumps(record.values))
    raise typer.Exit(1 if record.failed else 0)


def main() -> None:
    """Entry point of the command."""
    app()
