"""Growth of the workers: whether many sessions that share a queue get as much done as one."""

from __future__ import annotations

from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.curve import Curve, Panel, line
from rockqueue_bench.results import Row
from rockqueue_bench.rows.plain import rate_row
from rockqueue_bench.rows.push import PAYLOAD_BYTES
from rockqueue_bench.rows.work import BACKLOG_PER_SECOND, WINDOW

SESSIONS_PER_CONNECTION = 50
WARM_UP_JOBS = 4000


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
    seconds = bench.scale.seconds / 2
    clients = -(-workers // SESSIONS_PER_CONNECTION)
    params: dict[str, Any] = {
        "clients": clients,
        "sessions": workers // clients,
        "window": max(1, WINDOW // workers),
        "warm_up_jobs": WARM_UP_JOBS,
        "seconds": seconds,
    }
    async with bench.server() as server:
        filled = await bench.once(
            "fill",
            bench.limit_s,
            address=server.address,
            jobs=WARM_UP_JOBS + int(seconds * BACKLOG_PER_SECOND),
            payload_bytes=PAYLOAD_BYTES,
            seconds=max(seconds * 2, 2.0),
        )
        params["jobs"] = filled["jobs"] - WARM_UP_JOBS
        return await rate_row(bench, server, f"workers_{workers}", f"workers_{workers}_jobs_per_s", "work", params)
