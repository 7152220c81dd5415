"""The sections of the page, each from its part of the record, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rockqueue_bench.budgets import budget_of
from rockqueue_bench.record import Record
from rockqueue_bench.report.table import COSTS, costs, figure, rates, verdict
from rockqueue_bench.results import Row
from rockqueue_bench.shapes.cell import SHAPES, Cell
from rockqueue_bench.shapes.grid import WAYS
from rockqueue_bench.shapes.seed import PUBLISHED

HISTORY_VALUES = (
    "push_batch50_jobs_per_s",
    "push_share_of_floor",
    "work_raw_jobs_per_s",
    "e2e_python_jobs_per_s",
    "e2e_node_jobs_per_s",
    "e2e_go_jobs_per_s",
    "push_to_start_ms_p99",
    "idle_rss_mb",
)

HEAD = """\
# Benchmarks

<!-- Written by `rockqueue-bench report`, from the result of a run. Change the run, not this file. -->

Measured on one machine, which the end of this page names: compare the figures of a page with each other, and with those
of other machines only with care. Server and clients share its cores. Every store is on a disk; "fsync" beside a figure
means that every answer that was counted came after an fsync. How each row is measured stands in
[benchmarks/README.md](../benchmarks/README.md).

```sh
make setup
make bench                   # everything on this page, in less than half an hour on two quiet cores
make -C benchmarks report    # write this page
make bench-quick             # the rows alone, in less than a minute
```
"""


def head(record: Record) -> str:
    """What the page is, and how to make it anew."""
    when = f"This page is of {record.ended:%Y-%m-%d %H:%M} UTC; the run took {record.seconds / 60:.0f} minutes."
    busy = float(record.machine["load_average_1m"])
    cores = int(record.machine["cores"])
    # A core that something else used before is one that the run did not have.
    warning = (
        f" **The machine was busy before (load average {busy}): do not compare these figures.**"
        if busy > cores / 2
        else ""
    )
    return f"{HEAD}\n{when}{warning}\n"


def budgets(record: Record) -> str:
    """Each value of the rows beside its budget."""
    values: dict[str, float] = {}
    for row in record.rows:
        values |= row.metrics
    left_out = [f"`{row.name}` was left out: {row.missing}.\n" for row in record.rows if row.missing]
    failed = [f"`{row.name}` could not be measured: {row.error}\n" for row in record.rows if row.error]
    return "\n".join(["## Values and budgets\n", values_table(values), *left_out, *failed])


def values_table(values: Mapping[str, float]) -> str:
    """Values by name, beside their budgets where there are some."""
    lines = [
        (f"`{name}`", figure(value), str(budget_of(name) or "").replace("<", "&lt;"), verdict(name, value))
        for name, value in values.items()
    ]
    if any(line[2] for line in lines):
        return table(("value", "measured", "budget", ""), lines)
    return table(("value", "measured"), [line[:2] for line in lines])


def rows(measured: Sequence[Row]) -> str:
    """What each row cost, and how even its rate was."""
    done = [row for row in measured if row.metrics]
    cost = table(("row", "safe by", *COSTS), [(f"`{row.name}`", row.durability, *costs(row)) for row in done])
    sampled = [(f"`{row.name}`", str(len(row.rates)), *rates(row)) for row in done if row.rates]
    over_time = table(("jobs in a second", "samples", "min", "median", "max"), sampled)
    return f"## What it costs\n\n{cost}\nThe same over time, a sample a second:\n\n{over_time}"


def shapes(cells: Sequence[Cell]) -> str:
    """Every shape in every way: jobs per second, and the p99 of a batch."""
    by_way = {(cell.way, cell.shape): cell for cell in cells}
    lines = [
        (
            str(way.batch),
            str(way.clients),
            str(way.payload_bytes),
            *(_cell(by_way.get((way, shape))) for shape in SHAPES),
        )
        for way in WAYS
    ]
    return (
        "## Shapes\n\nJobs per second, and in brackets the p99 in ms of a batch until it was answered; by a raw "
        "client, all after an fsync. Each connection has one batch under way at a time.\n\n"
        + table(("batch", "connections", "bytes", *SHAPES), lines)
    )


def published(rates_by_shape: Mapping[str, float]) -> str:
    """The published table, with our column beside it."""
    ours: dict[str, float | None] = {shape: rates_by_shape[shape] for shape in SHAPES}
    lines = [
        (name, *("-" if (value := told[shape]) is None else figure(value) for shape in SHAPES))
        for name, told in {"RockQueue, measured here (fsync before each answer)": ours, **PUBLISHED}.items()
    ]
    return (
        "## The published shape\n\n5,000 jobs in batches of 50 over one connection, one step after the other, the "
        "median of three runs, in jobs per second. The other lines are those of their authors, on an Apple laptop: "
        'they are not of this run, and "Beside other queues" has figures that are.\n\n' + table(("", *SHAPES), lines)
    )


def history(kept: Sequence[Mapping[str, Any]]) -> str:
    """The quick runs that were kept, the newest one first."""
    names = [name for name in HISTORY_VALUES if any(name in run for run in kept)]
    lines = [
        (
            str(run["ended"])[:16].replace("T", " "),
            f"`{run['commit']}`",
            figure(run["load_average_1m"]),
            *(figure(run[name]) if name in run else "" for name in names),
        )
        for run in reversed(kept)
    ]
    titles = [name.replace("_", " ") for name in names]
    return (
        "## Quick runs over time\n\nKept with `make bench-quick BENCH_ARGS=--keep`. The load average is that before "
        "the run.\n\n" + table(("ended (UTC)", "commit", "load", *titles), lines)
    )


def machine(record: Record) -> str:
    """The machine and the versions."""
    facts = [(name.replace("_", " "), str(value)) for name, value in record.machine.items()]
    redis = next((row.load["redis"] for row in record.rows if "redis" in row.load), None)
    if redis:
        facts.append(("redis", redis))
    return "## The machine\n\n" + table(("", ""), facts)


def table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table; the first column to the left, the others to the right."""
    rules = ["---", *["---:"] * (len(titles) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (titles, rules, *lines))


def _cell(cell: Cell | None) -> str:
    if cell is None or cell.jobs_per_s is None:
        return "failed"
    p99 = "" if cell.latency_ms is None else f" ({figure(cell.latency_ms.p99)})"
    return figure(cell.jobs_per_s) + p99
