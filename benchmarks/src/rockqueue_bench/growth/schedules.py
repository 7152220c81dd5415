"""Growth of the schedules: whether those that are not due cost those that are."""

from __future__ import annotations

import asyncio

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.curve import Curve, Panel, line

DUE_EACH_SECOND = 50
PUT_WITHIN_S = 180.0


async def measure(bench: Bench) -> Curve:
    """Adds schedules that are due in months to some that are due each second, and looks what the server spends."""
    numbers = bench.scale.schedules
    timed_s = bench.scale.seconds
    metrics: dict[str, float] = {}
    there, due = 0, DUE_EACH_SECOND
    async with bench.server() as server:
        for number in numbers:
            await bench.once("schedules", PUT_WITHIN_S, address=server.address, due=due, begin=there, end=number)
            there, due = number, 0
            before = await server.usage()
            await asyncio.sleep(timed_s)
            used = (await server.usage()).since(before)
            metrics |= {
                f"schedules_{number}_cores": used.cpu_s / timed_s,
                f"schedules_{number}_rss_mb": used.rss_mb,
            }

    def panel(y_label: str, value: str) -> Panel:
        return Panel(y_label, (line("", {number: metrics[f"schedules_{number}_{value}"] for number in numbers}),))

    return Curve(
        "schedules",
        f"Schedules, of which {DUE_EACH_SECOND} are due each second",
        "schedules that are not due",
        panels=(panel("processors kept busy", "cores"), panel("resident memory, MB", "rss_mb")),
        metrics=metrics,
        seconds=timed_s * len(numbers),
        load={"due": DUE_EACH_SECOND, "seconds": timed_s},
    )
