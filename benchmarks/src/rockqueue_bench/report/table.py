"""The tables at the end of a run: each value beside its budget, what each row cost, how even its rate was."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from rockqueue_bench.budgets import budget_of
from rockqueue_bench.growth.curve import Curve
from rockqueue_bench.results import Row

# Short ones: the tables fit on a terminal of 100 columns.
COSTS = ("p50 ms", "p99 ms", "p99.9 ms", "server s", "us/job", "client s", "RSS MB", "disk MB", "fsyncs")


def values_table(parts: Sequence[Row | Curve]) -> Table:
    """One line for each value, and one for each part that could not be measured."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("value", no_wrap=True)
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("budget", justify="right", no_wrap=True)
    table.add_column("")
    for part in parts:
        for name, value in part.metrics.items():
            table.add_row(name, figure(value), str(budget_of(name) or ""), _colored(verdict(name, value)))
        if part.error:
            table.add_row(part.name, "-", "", "[red]failed[/red]")
        if isinstance(part, Row) and part.missing:
            table.add_row(part.name, "-", "", "left out")
    return table


def costs_table(rows: Sequence[Row]) -> Table:
    """One line for each row: latencies, processor seconds of server and clients, memory, bytes written, fsyncs."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0))
    table.add_column("row", no_wrap=True)
    table.add_column("safe by")
    for title in COSTS:
        table.add_column(title, justify="right")
    for row in rows:
        if row.metrics:
            table.add_row(row.name, row.durability, *costs(row))
    return table


def rates_table(rows: Sequence[Row]) -> Table:
    """One line for each row that was sampled: its slowest second, the median, the fastest."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("jobs in a second", no_wrap=True)
    for title in ("samples", "min", "median", "max"):
        table.add_column(title, justify="right")
    for row in rows:
        if row.rates:
            table.add_row(row.name, str(len(row.rates)), *rates(row))
    return table


def facts_line(facts: Mapping[str, str | int | float]) -> str:
    """The machine in a line or two."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())


def figure(value: float) -> str:
    """A value with as many digits as it is worth."""
    if value >= 1000:  # noqa: PLR2004 - from here on digits behind the point are noise
        return f"{value:,.0f}"
    return f"{value:,.2f}" if value >= 0.01 or value == 0 else f"{value:.1e}"  # noqa: PLR2004 - two digits hold it


def verdict(name: str, value: float) -> str:
    """Whether a value keeps its budget; nothing where there is none."""
    budget = budget_of(name)
    if budget is None:
        return ""
    return "met" if budget.met(value) else "missed"


def costs(row: Row) -> list[str]:
    """What a row cost, in the order of COSTS."""
    latency, server, client = row.latency_ms, row.server, row.client
    # The floor has no server: the memory and the writes are those of its own process.
    stored = server or client
    values = (
        latency and latency.p50,
        latency and latency.p99,
        latency and latency.p99_9,
        server and server.cpu_s,
        row.server_us_per_job,
        client and client.cpu_s,
        stored and stored.rss_mb,
        stored and stored.written_mb,
    )
    fsyncs = stored.fsyncs if stored else None
    return [*("" if value is None else figure(value) for value in values), "" if fsyncs is None else f"{fsyncs:,}"]


def rates(row: Row) -> list[str]:
    """The slowest second of a row, the median, the fastest."""
    return [figure(value) for value in (min(row.rates), statistics.median(row.rates), max(row.rates))]


def _colored(word: str) -> str:
    color = {"met": "green", "missed": "red"}.get(word)
    return f"[{color}]{word}[/{color}]" if color else word
