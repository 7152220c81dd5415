"""Load `work`: delivers and completes jobs that are there already, or that somebody pushes meanwhile."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.link import Link, Samples
from rockqueue_bench.loads.raw_worker import RawWorker, Worked


async def run(link: Link) -> None:
    """Parameters: address, clients, sessions (of each client), window (of each session), jobs, warm_up_jobs, seconds.

    `jobs` are to be completed after the `warm_up_jobs`, which must be waiting; it stops after `seconds`, with fewer.
    """
    params = link.params
    async with AsyncExitStack() as stack:
        channels = [await stack.enter_async_context(connect(params["address"])) for _ in range(params["clients"])]
        workers = [RawWorker(channel, params["window"]) for channel in channels for _ in range(params["sessions"])]
        await asyncio.gather(*(worker.open() for worker in workers))
        await _share(workers, params["warm_up_jobs"], params["seconds"], Worked())
        await link.ready()
        worked = Worked()
        began = time.perf_counter()
        async with Samples(lambda: worked.jobs) as samples:
            await _share(workers, params["jobs"], params["seconds"], worked)
        seconds, ended_ns = time.perf_counter() - began, time.monotonic_ns()
        link.done(
            jobs=worked.jobs,
            seconds=seconds,
            latencies_ns=worked.latencies_ns,
            samples=samples.taken,
            ended_ns=ended_ns,
        )
        await asyncio.gather(*(worker.close() for worker in workers))


async def _share(workers: list[RawWorker], jobs: int, seconds: float, into: Worked) -> None:
    """Lets each worker complete its share; the first ones take what does not divide evenly."""
    share, rest = divmod(jobs, len(workers))
    await asyncio.gather(*(worker.work(share + (index < rest), seconds, into) for index, worker in enumerate(workers)))
