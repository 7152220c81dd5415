"""Row `idle`: what a server costs that has nothing to do, and how long it takes to start."""

from __future__ import annotations

import asyncio
import statistics

from rockqueue_bench.bench import Bench
from rockqueue_bench.results import Row

SETTLE_SECONDS = 1.0


async def measure(bench: Bench) -> Row:
    """Starts empty servers one after the other, and watches the last one; no client is connected."""
    spawns = bench.scale.spawns
    starts: list[float] = []
    for _ in range(spawns - 1):
        async with bench.server() as server:
            starts.append(server.ready_s)
    async with bench.server() as server:
        starts.append(server.ready_s)
        await asyncio.sleep(SETTLE_SECONDS)
        before = server.usage_unasked()
        await asyncio.sleep(bench.scale.idle_seconds)
        used = server.usage_unasked().since(before)
    return Row(
        "idle",
        {
            "idle_rss_mb": used.rss_mb,
            "idle_cpu_percent": used.cpu_s / bench.scale.idle_seconds * 100,
            "start_seconds": statistics.median(starts),
        },
        seconds=bench.scale.idle_seconds,
        server=used,
        load={"spawns": spawns},
    )
