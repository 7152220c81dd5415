"""Load `single_push`: many callers in one process, each pushing one job at a time through the SDK."""

from __future__ import annotations

import asyncio
import time

from rockqueue import Client
from rockqueue_bench.loads.link import Link, Samples
from rockqueue_bench.loads.noop_job import filler_of
from rockqueue_bench.loads.wire import NAME, QUEUE


async def run(link: Link) -> None:
    """Parameters: address, callers, payload_bytes, seconds, warm_up_seconds."""
    params = link.params
    payload = {"filler": filler_of(params["payload_bytes"])}
    async with Client(f"rockqueue://{params['address']}") as client:

        async def call_until(until: float, latencies_ns: list[int]) -> None:
            while time.perf_counter() < until:
                began_ns = time.perf_counter_ns()
                await client.push(QUEUE, NAME, payload)
                latencies_ns.append(time.perf_counter_ns() - began_ns)

        async def push_for(seconds: float, latencies_ns: list[int]) -> float:
            began = time.perf_counter()
            await asyncio.gather(*(call_until(began + seconds, latencies_ns) for _ in range(params["callers"])))
            return time.perf_counter() - began

        await push_for(params["warm_up_seconds"], [])
        await link.ready()
        latencies_ns: list[int] = []
        async with Samples(lambda: len(latencies_ns)) as samples:
            seconds = await push_for(params["seconds"], latencies_ns)
        link.done(jobs=len(latencies_ns), seconds=seconds, latencies_ns=latencies_ns, samples=samples.taken)
