"""Load `work`: delivers and completes jobs of a backlog that is there already."""

from __future__ import annotations

from grpc import aio

from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.raw_worker import RawWorker
from rockqueue_bench.loads.wire import CHANNEL_OPTIONS


async def run(link: Link) -> None:
    """Parameters: address, window, jobs (that wait, the warm-up's included), warm_up_jobs, seconds."""
    params = link.params
    async with aio.insecure_channel(params["address"], options=CHANNEL_OPTIONS) as channel:
        worker = RawWorker(channel, params["window"])
        await worker.open()
        await worker.work(params["warm_up_jobs"], params["seconds"])
        await link.ready()
        worked = await worker.work(params["jobs"] - params["warm_up_jobs"], params["seconds"])
        link.done(jobs=worked.jobs, seconds=worked.seconds, latencies_ns=worked.latencies_ns)
        await worker.close()
