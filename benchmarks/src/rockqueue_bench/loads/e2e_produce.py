"""Load `e2e_produce`: pushes batches through the SDK while another process works them off."""

from __future__ import annotations

import asyncio
import time

from rockqueue import Client
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.noop_job import WARM_QUEUE, filler_of, noop

WARM_UP_BATCHES = 10


async def run(link: Link) -> None:
    """Parameters: address, batch, in_flight, jobs, payload_bytes, seconds (it stops then, with fewer jobs)."""
    params = link.params
    batch: int = params["batch"]
    filler = filler_of(params["payload_bytes"])
    warm = noop.options(queue=WARM_QUEUE)
    pushed = 0
    async with Client(f"rockqueue://{params['address']}") as client:
        for _ in range(WARM_UP_BATCHES):
            await client.push_many([warm.new(filler=filler) for _ in range(batch)])
        await link.ready()
        began = time.perf_counter()
        began_ns = time.monotonic_ns()

        async def lane() -> None:
            nonlocal pushed
            while pushed < params["jobs"] and time.perf_counter() - began < params["seconds"]:
                pushed += batch
                await client.push_many([noop.new(filler=filler) for _ in range(batch)])

        await asyncio.gather(*(lane() for _ in range(params["in_flight"])))
        link.done(jobs=pushed, seconds=time.perf_counter() - began, began_ns=began_ns)
