"""Load `starts_push`: pushes one job at a time to an idle server; each carries the moment in which it was pushed."""

from __future__ import annotations

import asyncio
import time

from rockqueue import Client
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.wire import NAME, QUEUE


async def run(link: Link) -> None:
    """Parameters: address, jobs, warm_up_jobs, pause_ms (after each push, so that the server is idle again)."""
    params = link.params
    pause_s = params["pause_ms"] / 1000
    async with Client(f"rockqueue://{params['address']}") as client:

        async def push(jobs: int) -> list[int]:
            latencies_ns: list[int] = []
            for _ in range(jobs):
                # The monotonic clock of Linux is the same in all processes.
                pushed_ns = time.monotonic_ns()
                await client.push(QUEUE, NAME, {"pushed_ns": pushed_ns})
                latencies_ns.append(time.monotonic_ns() - pushed_ns)
                await asyncio.sleep(pause_s)
            return latencies_ns

        await push(params["warm_up_jobs"])
        await link.ready()
        began = time.perf_counter()
        latencies_ns = await push(params["jobs"])
        link.done(jobs=len(latencies_ns), seconds=time.perf_counter() - began, latencies_ns=latencies_ns)
