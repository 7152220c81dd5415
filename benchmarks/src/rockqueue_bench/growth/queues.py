"""Growth of the queues: whether jobs that are spread over many queues are as fast as those of one."""

from __future__ import annotations

from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.curve import Curve, Panel, line
from rockqueue_bench.rows.push import BATCH, IN_FLIGHT, PAYLOAD_BYTES
from rockqueue_bench.rows.work import WINDOW


async def measure(bench: Bench) -> Curve:
    """Pushes batches to one queue after the other, then works all of them off, with more and more queues."""
    params: dict[str, Any] = {
        "batch": BATCH,
        "in_flight": IN_FLIGHT,
        "window": WINDOW,
        "payload_bytes": PAYLOAD_BYTES,
        "seconds": bench.scale.seconds / 2,
    }
    metrics: dict[str, float] = {}
    seconds = 0.0
    for queues in bench.scale.queues:
        async with (
            bench.server() as server,
            bench.load("queues", address=server.address, queues=queues, **params) as load,
        ):
            result, used, _ = await bench.measured(server, load)
        metrics |= {
            f"queues_{queues}_push_jobs_per_s": result["jobs"] / result["push_seconds"],
            f"queues_{queues}_work_jobs_per_s": result["jobs"] / result["work_seconds"],
            f"queues_{queues}_server_us_per_job": used.cpu_s / result["jobs"] * 1e6,
            f"queues_{queues}_rss_mb": used.rss_mb,
        }
        seconds += result["seconds"]

    def values(value: str) -> dict[int, float]:
        return {queues: metrics[f"queues_{queues}_{value}"] for queues in bench.scale.queues}

    rates = (line("push", values("push_jobs_per_s")), line("deliver and complete", values("work_jobs_per_s")))
    cost = line("", values("server_us_per_job"))
    return Curve(
        "queues",
        "Queues",
        "queues with jobs",
        panels=(
            Panel("jobs/s", rates),
            Panel("processor time of the server for a job, us", (cost,)),
            Panel("resident memory, MB", (line("", values("rss_mb")),)),
        ),
        metrics=metrics,
        seconds=seconds,
        load=params,
    )
