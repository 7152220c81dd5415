"""The tables at the end of a run: each value beside its budget, and what each row cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from rockqueue_bench.budgets import budget_of
from rockqueue_bench.results import Row

# Short ones: both tables fit on a terminal of 100 columns.
_COSTS = ("p50 ms", "p99 ms", "p99.9 ms", "server s", "us/job", "client s", "RSS MB", "disk MB")


def values_table(rows: Sequence[Row]) -> Table:
    """One line for each value, and one for each row that could not be measured."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("value", no_wrap=True)
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("budget", justify="right", no_wrap=True)
    table.add_column("")
    for row in rows:
        for name, value in row.metrics.items():
            table.add_row(name, figure(value), str(budget_of(name) or ""), _verdict(name, value))
        if row.error:
            table.add_row(row.name, "-", "", "[red]failed[/red]")
    return table


def costs_table(rows: Sequence[Row]) -> Table:
    """One line for each row: latencies, processor seconds of server and clients, memory, bytes written."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0))
    table.add_column("row", no_wrap=True)
    table.add_column("safe by")
    for title in _COSTS:
        table.add_column(title, justify="right")
    for row in rows:
        if not row.error:
            table.add_row(row.name, row.durability, *_costs(row))
    return table


def facts_line(facts: Mapping[str, str | int | float]) -> str:
    """The machine in a line or two."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())


def figure(value: float) -> str:
    """A value with as many digits as it is worth."""
    if value >= 1000:  # noqa: PLR2004 - from here on digits behind the point are noise
        return f"{value:,.0f}"
    return f"{value:,.2f}" if value >= 0.01 or value == 0 else f"{value:.1e}"  # noqa: PLR2004 - two digits hold it


def _verdict(name: str, value: float) -> str:
    budget = budget_of(name)
    if budget is None:
        return ""
    return "[green]met[/green]" if budget.met(value) else "[red]missed[/red]"


def _costs(row: Row) -> list[str]:
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
    return ["" if value is None else figure(value) for value in values]
