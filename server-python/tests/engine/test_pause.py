"""A process that stood still: stopped by a signal, on a machine that slept, or held up by something else."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from queue_bench import QueueBench, seconds, spec

from rockqueue.v1 import job_pb2, work_service_pb2
from rockqueue_server.core import Core, CoreOptions

LEASE_S = 1


async def test_leases_go_on_for_as_long_as_the_process_stood_still(tmp_path: Path) -> None:
    """Their workers spoke meanwhile, and could not be heard."""
    core = await Core.open(tmp_path / "jobs.db", CoreOptions(min_free_bytes=0))
    try:
        bench = QueueBench(core)
        await bench.push(spec())
        (delivery,) = await bench.pull(lease=seconds(LEASE_S))
        # Nothing of the engine runs; the alarm of the lease is what the loop finds first.
        time.sleep(LEASE_S + 1.5)  # noqa: ASYNC251 - a loop that stands still is what this is about
        await asyncio.sleep(0)
        request = work_service_pb2.ExtendLeasesRequest(lease_tokens=[delivery.lease_token])
        (extended,) = (await core.work.extend_leases(request)).leases
        assert extended.status.code == 0
        assert await bench.complete(delivery) == ""
        job = await bench.get(delivery.job_id)
        assert (job.state, job.crashes) == (job_pb2.JOB_STATE_COMPLETED, 0)
    finally:
        await core.close()


async def test_a_lease_that_nobody_extends_ends_all_the_same(tmp_path: Path) -> None:
    core = await Core.open(tmp_path / "jobs.db", CoreOptions(min_free_bytes=0))
    try:
        bench = QueueBench(core)
        await bench.push(spec())
        (delivery,) = await bench.pull(lease=seconds(LEASE_S))
        time.sleep(LEASE_S + 1.5)  # noqa: ASYNC251 - as above
        async with asyncio.timeout(30):
            while await bench.state(delivery.job_id) == "ACTIVE":  # noqa: ASYNC110 - the clock is the real one
                await asyncio.sleep(0.05)
        assert (await bench.get(delivery.job_id)).crashes == 1
    finally:
        await core.close()
