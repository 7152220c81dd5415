"""Growth of the backlog: whether a long queue is as fast as a short one, in bounded memory, and soon ready."""

from __future__ import annotations

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.curve import Curve, Panel, line
from rockqueue_bench.growth.rounds import fill, rounds_load, rounds_row
from rockqueue_bench.results import Row

SHARE_BOUND, MEMORY_BOUND_MB, READY_BOUND_S = 0.9, 400, 3


async def measure(bench: Bench) -> Curve:
    """Measures each length of the queue on a store of its own; the first one is what the others are compared with."""
    lengths = bench.scale.backlogs
    rows = [await _measure_length(bench, jobs) for jobs in lengths]
    metrics: dict[str, float] = {}
    rates = [row.metrics[f"backlog_{jobs}_jobs_per_s"] for jobs, row in zip(lengths, rows, strict=True)]
    for jobs, rate, row in zip(lengths, rates, rows, strict=True):
        metrics |= row.metrics
        if jobs != lengths[0]:
            metrics[f"backlog_{jobs}_share_of_{lengths[0]}"] = rate / rates[0]

    def panel(y_label: str, value: str, bound: float) -> Panel:
        points = {jobs: metrics[f"backlog_{jobs}_{value}"] for jobs in lengths}
        return Panel(y_label, (line("", points),), bound, "budget")

    return Curve(
        "depth",
        "Waiting jobs",
        "jobs that wait in the queue",
        panels=(
            panel("delivered and completed, jobs/s", "jobs_per_s", rates[0] * SHARE_BOUND),
            panel("resident memory, MB", "rss_mb", MEMORY_BOUND_MB),
            panel("ready after a restart, s", "ready_seconds", READY_BOUND_S),
        ),
        metrics=metrics,
        seconds=sum(row.seconds for row in rows),
        load=rounds_load(bench),
    )


async def _measure_length(bench: Bench, jobs: int) -> Row:
    """Fills a store, starts the server anew on it, and takes jobs in rounds."""
    async with bench.server() as server:
        await fill(bench, server, jobs)
        full = server.usage_unasked()
        await server.stop()
        await server.start()
        row = await rounds_row(bench, server, f"backlog_{jobs}")
    values = {
        f"backlog_{jobs}_rss_mb": max(full.rss_mb, row.metrics[f"backlog_{jobs}_rss_mb"]),
        f"backlog_{jobs}_ready_seconds": server.ready_s,
    }
    return Row(row.name, {**row.metrics, **values}, seconds=row.seconds)
