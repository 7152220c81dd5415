"""Load `backlog`: takes jobs from a long queue in rounds, and puts as many back between them.

The queue stays as long as it was, and long and short queues are measured in the same way. Only the taking is timed.
"""

from __future__ import annotations

from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.fill import filler
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.raw_worker import RawWorker, Worked
from rockqueue_bench.loads.wire import spec_of

REFILL_WITHIN_S = 60.0


async def run(link: Link) -> None:
    """Parameters: address, window, round_jobs, payload_bytes, seconds (of taking, all rounds together)."""
    params = link.params
    round_jobs: int = params["round_jobs"]
    async with connect(params["address"]) as channel:
        pusher = filler(channel, spec_of(params["payload_bytes"]))
        worker = RawWorker(channel, params["window"])
        await worker.open()
        await worker.work(round_jobs, params["seconds"])
        await pusher.push(REFILL_WITHIN_S, round_jobs)
        await link.ready()
        total = Worked()
        while total.seconds < params["seconds"]:
            worked = await worker.work(round_jobs, REFILL_WITHIN_S)
            total.jobs += worked.jobs
            total.seconds += worked.seconds
            total.latencies_ns += worked.latencies_ns
            await pusher.push(REFILL_WITHIN_S, round_jobs)
        link.done(jobs=total.jobs, seconds=total.seconds, latencies_ns=total.latencies_ns)
        await worker.close()
