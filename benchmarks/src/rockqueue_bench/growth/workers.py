"""Growth of the workers: whether many sessions that share a queue get as much done as one."""

from __future__ import annotations

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.curve import Curve, Panel, line
from rockqueue_bench.results import Row
from rockqueue_bench.rows.push import PAYLOAD_BYTES
from rockqueue_bench.rows.work import WINDOW, work_off

SESSIONS_PER_CONNECTION = 50


async def measure(bench: Bench) -> Curve:
    """Works off a backlog with more and more sessions; together they hold as many credits as one alone."""
    rows = {workers: await _measure(bench, workers) for workers in bench.scale.workers}
    metrics: dict[str, float] = {}
    for row in rows.values():
        metrics |= {**row.metrics, f"{row.name}_server_us_per_job": row.server_us_per_job or 0.0}
    return Curve(
        "workers",
        "Workers on one queue",
        "worker sessions",
        panels=(
            Panel(
                "delivered and completed, jobs/s",
                (line("", {workers: row.jobs / row.seconds for workers, row in rows.items()}),),
            ),
            Panel(
                "processor time of the server for a job, us",
                (line("", {workers: row.server_us_per_job or 0.0 for workers, row in rows.items()}),),
            ),
            Panel(
                "a batch of completions until it is on disk, ms",
                tuple(
                    line(label, {workers: getattr(row.latency_ms, label) for workers, row in rows.items()})
                    for label in ("p50", "p99")
                ),
            ),
        ),
        metrics=metrics,
        seconds=sum(row.seconds for row in rows.values()),
        load={"window_of_all": WINDOW, "payload_bytes": PAYLOAD_BYTES},
    )


async def _measure(bench: Bench, workers: int) -> Row:
    clients = -(-workers // SESSIONS_PER_CONNECTION)
    sessions, window = workers // clients, max(1, WINDOW // workers)
    seconds = bench.scale.seconds / 2
    return await work_off(bench, f"workers_{workers}", seconds, clients=clients, sessions=sessions, window=window)
