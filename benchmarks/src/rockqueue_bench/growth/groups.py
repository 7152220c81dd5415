"""Growth of the groups: whether jobs of many groups of one queue are taken as fast as those of few."""

from __future__ import annotations

from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.curve import Curve, Panel, line
from rockqueue_bench.rows.push import PAYLOAD_BYTES
from rockqueue_bench.rows.work import WINDOW


async def measure(bench: Bench) -> Curve:
    """Spreads as many jobs over more and more groups, and takes all of them."""
    numbers = bench.scale.groups
    params: dict[str, Any] = {"jobs": bench.scale.group_jobs, "window": WINDOW, "payload_bytes": PAYLOAD_BYTES}
    metrics: dict[str, float] = {}
    seconds = 0.0
    for groups in numbers:
        async with (
            bench.server() as server,
            bench.load("groups", address=server.address, groups=groups, **params) as load,
        ):
            result, used, _ = await bench.measured(server, load)
        metrics |= {
            f"groups_{groups}_jobs_per_s": result["jobs"] / result["seconds"],
            f"groups_{groups}_server_us_per_job": used.cpu_s / result["jobs"] * 1e6,
            f"groups_{groups}_rss_mb": used.rss_mb,
        }
        seconds += result["seconds"]

    def panel(y_label: str, value: str) -> Panel:
        return Panel(y_label, (line("", {groups: metrics[f"groups_{groups}_{value}"] for groups in numbers}),))

    return Curve(
        "groups",
        "Groups of one queue",
        "groups with jobs",
        panels=(
            panel("delivered and completed, jobs/s", "jobs_per_s"),
            panel("processor time of the server for a job, us", "server_us_per_job"),
            panel("resident memory, MB", "rss_mb"),
        ),
        metrics=metrics,
        seconds=seconds,
        load=params,
    )
