"""Load `e2e_produce`: pushes batches through the SDK while another process works them off."""

from __future__ import annotations

import asyncio
import time

from rockqueue import Client
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.noop_job import filler_of, noop
from rockqueue_bench.loads.wire import WARM_QUEUE


async def run(link: Link) -> None:
    """Parameters: address, batch, in_flight, jobs, payload_bytes, seconds, warm_up_batches.

    It stops after `seconds`, with fewer jobs.
    """
    params = link.params
    batch: int = params["batch"]
    filler = filler_of(params["payload_bytes"])
    warm = noop.options(queue=WARM_QUEUE)
    pushed = 0
    latencies_ns: list[int] = []
    async with Client(f"rockqueue://{params['address']}") as client:
        for _ in range(params["warm_up_batches"]):
            await client.push_many([warm.new(filler=filler) for _ in range(batch)])
        await link.ready()
        began = time.perf_counter()
        began_ns = time.monotonic_ns()

        async def lane() -> None:
            nonlocal pushed
            while pushed < params["jobs"] and time.perf_counter() - began < params["seconds"]:
                pushed += batch
                call_ns = time.perf_counter_ns()
                await client.push_many([noop.new(filler=filler) for _ in range(batch)])
                latencies_ns.append(time.perf_counter_ns() - call_ns)

        await asyncio.gather(*(lane() for _ in range(params["in_flight"])))
        link.done(jobs=pushed, seconds=time.perf_counter() - began, latencies_ns=latencies_ns, began_ns=began_ns)
