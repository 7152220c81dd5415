"""Load `delayed`: jobs that are all due at one moment, and a worker that waits for them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from rockqueue.v1 import job_pb2
from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.fill import filler
from rockqueue_bench.loads.link import Link, Samples
from rockqueue_bench.loads.raw_worker import RawWorker, Worked
from rockqueue_bench.loads.wire import QUEUE, WARM_QUEUE, spec_of

SAMPLE_EVERY_S = 0.05
WAIT_S = 120.0
NEVER_S = 3600.0


async def run(link: Link) -> None:
    """Parameters: address, jobs, payload_bytes, window, calm_seconds.

    A tenth of the jobs, which stay delayed, tells how long the filling takes. All others become due when they have been
    pushed, even with half of that speed, and `calm_seconds` have passed.
    """
    params = link.params
    jobs: int = params["jobs"]
    async with connect(params["address"]) as channel:
        tenth = await filler(channel, _spec(params, WARM_QUEUE, NEVER_S)).push(WAIT_S, jobs // 10)
        fill_s = tenth.seconds * 10 * 2
        due_in_s = fill_s + params["calm_seconds"]
        due_ns = time.monotonic_ns() + int(due_in_s * 1e9)
        filled = await filler(channel, _spec(params, QUEUE, due_in_s)).push(fill_s, jobs)
        if filled.jobs < jobs:
            raise RuntimeError(f"only {filled.jobs} of {jobs} jobs were pushed within {fill_s:.0f} s")
        # Not before: a session that says nothing for long gets nothing.
        await _sleep_until(due_ns - int(params["calm_seconds"] * 1e9))
        worker = RawWorker(channel, params["window"])
        await worker.open()
        await link.ready()
        began = time.perf_counter()
        worked = Worked()
        working = asyncio.create_task(worker.work(filled.jobs, WAIT_S, worked))
        await _sleep_until(due_ns)
        async with Samples(lambda: worked.jobs, SAMPLE_EVERY_S) as samples:
            await working
        all_s = (time.monotonic_ns() - due_ns) / 1e9
        first_s = next((at_s for at_s, count in samples.taken if count), all_s)
        link.done(
            jobs=worked.jobs,
            seconds=time.perf_counter() - began,
            samples=[*samples.taken, (all_s, worked.jobs)],
            due_ns=due_ns,
            all_seconds=all_s,
            first_seconds=first_s,
        )
        await worker.close()


def _spec(params: dict[str, Any], queue: str, due_in_s: float) -> job_pb2.JobSpec:
    """The job, due at one moment: so many seconds from now, whenever it is pushed."""
    spec = spec_of(params["payload_bytes"], queue)
    spec.run_time.FromNanoseconds(time.time_ns() + int(due_in_s * 1e9))
    return spec


async def _sleep_until(moment_ns: int) -> None:
    """Until a moment of the monotonic clock; not at all when it is over."""
    await asyncio.sleep((moment_ns - time.monotonic_ns()) / 1e9)
