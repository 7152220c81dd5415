"""Growth of the schedules: whether those that are not due cost those that are."""

from __future__ import annotations

from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.curve import Curve, Panel, line

DUE_EACH_SECOND = 50


async def measure(bench: Bench) -> Curve:
    """Adds schedules that are due in months to some that are due each second, and looks what the server spends."""
    numbers = bench.scale.schedules
    params: dict[str, Any] = {"due": DUE_EACH_SECOND, "seconds": bench.scale.seconds}
    metrics: dict[str, float] = {}
    seconds, there = 0.0, 0
    async with bench.server() as server:
        for number in numbers:
            async with bench.load("schedules", address=server.address, begin=there, end=number, **params) as load:
                result, used, _ = await bench.measured(server, load)
            there = number
            metrics |= {
                f"schedules_{number}_cores": used.cpu_s / result["seconds"],
                f"schedules_{number}_rss_mb": used.rss_mb,
            }
            seconds += result["seconds"]

    def panel(y_label: str, value: str) -> Panel:
        return Panel(y_label, (line("", {number: metrics[f"schedules_{number}_{value}"] for number in numbers}),))

    return Curve(
        "schedules",
        f"Schedules, of which {DUE_EACH_SECOND} are due each second",
        "schedules that are not due",
        panels=(panel("processors kept busy", "cores"), panel("resident memory, MB", "rss_mb")),
        metrics=metrics,
        seconds=seconds,
        load=params,
    )
