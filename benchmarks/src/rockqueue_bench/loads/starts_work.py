"""Load `starts_work`: a worker whose handler notes how long ago its job was pushed."""

from __future__ import annotations

import asyncio
import time

import rockqueue
from rockqueue import Client, Worker
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.wire import NAME, QUEUE


async def run(link: Link) -> None:
    """Parameters: address, jobs, warm_up_jobs (which come first, and do not count)."""
    params = link.params
    expected = params["jobs"] + params["warm_up_jobs"]
    delays_ns: list[int] = []
    all_there = asyncio.Event()

    @rockqueue.job(queue=QUEUE, name=NAME)
    async def started(pushed_ns: int) -> None:
        delays_ns.append(time.monotonic_ns() - pushed_ns)
        if len(delays_ns) == expected:
            all_there.set()

    async with Client(f"rockqueue://{params['address']}") as client, Worker(client, jobs=[started]):
        await link.ready()
        began = time.perf_counter()
        await all_there.wait()
        measured_ns = delays_ns[params["warm_up_jobs"] :]
        link.done(jobs=len(measured_ns), seconds=time.perf_counter() - began, latencies_ns=measured_ns)
