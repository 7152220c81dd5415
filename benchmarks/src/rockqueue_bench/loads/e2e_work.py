"""Load `e2e_work`: a worker of the SDK that counts; it ends when all completions are on the server's disk."""

from __future__ import annotations

import asyncio
import time

import rockqueue
from rockqueue import Client, Worker
from rockqueue_bench.loads.link import Link, Samples
from rockqueue_bench.loads.noop_job import filler_of
from rockqueue_bench.loads.noop_job import noop as pushed_job
from rockqueue_bench.loads.wire import NAME, QUEUE


class Counter:
    """Counts handlers, and lets somebody wait for a number of them."""

    def __init__(self) -> None:
        self.count = 0
        self._wanted = 0
        self._reached = asyncio.Event()

    def add(self) -> None:
        """One more."""
        self.count += 1
        if self.count == self._wanted:
            self._reached.set()

    async def reach(self, wanted: int) -> None:
        """Returns when there have been so many since the start."""
        self._wanted = wanted
        self._reached.clear()
        if self.count < wanted:
            await self._reached.wait()


async def run(link: Link) -> None:
    """Parameters: address, concurrency, payload_bytes, warm_up_jobs.

    Told `{"jobs": N}` after the go, it ends after N jobs.
    """
    params = link.params
    before: int = params["warm_up_jobs"]
    counter = Counter()

    @rockqueue.job(queue=QUEUE, name=NAME)
    async def noop(filler: str) -> None:  # noqa: ARG001 - an async handler that does nothing is the load
        counter.add()

    async with Client(f"rockqueue://{params['address']}") as client:
        filler = filler_of(params["payload_bytes"])
        await client.push_many([pushed_job.new(filler=filler) for _ in range(before)])
        worker = Worker(client, jobs=[noop], concurrency=params["concurrency"])
        await worker.start()
        await counter.reach(before)
        await link.ready()
        began = time.perf_counter()
        async with Samples(lambda: counter.count - before) as samples:
            jobs: int = (await link.hear())["jobs"]
            await counter.reach(before + jobs)
            await worker.stop()
        ended_ns = time.monotonic_ns()
        completed = (await client.queues.get(QUEUE)).counts.completed
        if completed != before + jobs or counter.count != completed:
            raise RuntimeError(f"{jobs} jobs and {before} before, but {counter.count} runs, {completed} completed")
        link.done(jobs=jobs, seconds=time.perf_counter() - began, ended_ns=ended_ns, samples=samples.taken)
