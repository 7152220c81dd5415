"""Load `queues`: pushes batches to one queue after the other, and then works all of them off."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence

from rockqueue.v1 import job_pb2
from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.raw_pusher import RawPusher
from rockqueue_bench.loads.raw_worker import RawWorker
from rockqueue_bench.loads.wire import PushRequests, spec_of

# What the contract allows a session.
QUEUES_PER_SESSION = 64
WORK_WITHIN_S = 60.0


class Rotation:
    """Push requests to queues in turn."""

    durability = job_pb2.DURABILITY_FSYNC

    def __init__(self, names: Sequence[str], batch: int, payload_bytes: int) -> None:
        self.batch = batch
        self.jobs = dict.fromkeys(names, 0)
        self._requests = {name: PushRequests(batch, spec_of(payload_bytes, name)) for name in names}
        self._turns = itertools.cycle(names)

    def new(self) -> bytes:
        """The request for the next queue."""
        name = next(self._turns)
        self.jobs[name] += self.batch
        return self._requests[name].new()


async def run(link: Link) -> None:
    """Parameters: address, queues, batch, in_flight, window (of all sessions), payload_bytes, seconds (of pushing)."""
    params = link.params
    names = [f"bench-{number}" for number in range(params["queues"])]
    groups = [names[at : at + QUEUES_PER_SESSION] for at in range(0, len(names), QUEUES_PER_SESSION)]
    async with connect(params["address"]) as channel:
        requests = Rotation(names, params["batch"], params["payload_bytes"])
        pusher = RawPusher(channel, requests, in_flight=params["in_flight"])
        # Makes the queues.
        await pusher.push(WORK_WITHIN_S, len(names) * requests.batch)
        workers = [RawWorker(channel, max(1, params["window"] // len(groups)), group) for group in groups]
        await asyncio.gather(*(worker.open() for worker in workers))

        async def work_off() -> int:
            shares = [sum(requests.jobs[name] for name in group) for group in groups]
            shared = zip(workers, shares, strict=True)
            await asyncio.gather(*(worker.work(share, WORK_WITHIN_S) for worker, share in shared))
            for name in names:
                requests.jobs[name] = 0
            return sum(shares)

        await work_off()
        await link.ready()
        pushed = await pusher.push(params["seconds"])
        began = time.perf_counter()
        jobs = await work_off()
        work_s = time.perf_counter() - began
        if jobs != pushed.jobs:
            raise RuntimeError(f"{pushed.jobs} jobs were pushed, {jobs} completed")
        link.done(
            jobs=jobs,
            seconds=pushed.seconds + work_s,
            latencies_ns=pushed.latencies_ns,
            push_seconds=pushed.seconds,
            work_seconds=work_s,
        )
        await asyncio.gather(*(worker.close() for worker in workers))
