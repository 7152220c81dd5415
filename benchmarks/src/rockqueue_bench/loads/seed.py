"""Load `seed`: so many jobs in batches of 50 over one connection, strictly one step after the other.

Produce: push a batch, wait. Consume: take a batch, complete it, wait. End to end: push one, take it, complete it. The
payload is `{"i":n}`. Each wait is for an fsync.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_bench.loads.batch_stream import ANSWER_TIMEOUT_S
from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.raw_pusher import RawPusher
from rockqueue_bench.loads.raw_worker import RawWorker
from rockqueue_bench.loads.wire import NAME, QUEUE, request_id

BATCH = 50
WARM_UP_BATCHES = 20


class NumberedRequests:
    """Push requests whose jobs count on; their bytes are made before the clock runs."""

    batch = BATCH
    durability = job_pb2.DURABILITY_FSYNC

    def __init__(self, batches: int) -> None:
        self._bodies = iter([self._body(number) for number in range(batches)])

    def new(self) -> bytes:
        """The next request."""
        return request_id() + next(self._bodies)

    def _body(self, number: int) -> bytes:
        message = job_service_pb2.PushJobsRequest(durability=self.durability)
        for index in range(number * BATCH, (number + 1) * BATCH):
            message.jobs.add(queue=QUEUE, name=NAME, payload=b'{"i":%d}' % index, content_type="application/json")
        return message.SerializeToString()


async def run(link: Link) -> None:
    """Parameters: address, jobs (a multiple of 50). `took` in its result is seconds by shape."""
    params = link.params
    jobs: int = params["jobs"]
    async with connect(params["address"]) as channel:
        pusher = RawPusher(channel, NumberedRequests(2 * jobs // BATCH + 2 * WARM_UP_BATCHES), in_flight=1)
        worker = RawWorker(channel, BATCH)
        await worker.open()

        async def end_to_end(batches: int) -> None:
            for _ in range(batches):
                await pusher.push(ANSWER_TIMEOUT_S, BATCH)
                await worker.work(BATCH, ANSWER_TIMEOUT_S)

        await pusher.push(ANSWER_TIMEOUT_S, WARM_UP_BATCHES * BATCH)
        await worker.work(WARM_UP_BATCHES * BATCH, ANSWER_TIMEOUT_S)
        await end_to_end(WARM_UP_BATCHES)
        await link.ready()
        took = {
            "produce": await _timed(lambda: pusher.push(ANSWER_TIMEOUT_S, jobs)),
            "consume": await _timed(lambda: worker.work(jobs, ANSWER_TIMEOUT_S)),
            "end to end": await _timed(lambda: end_to_end(jobs // BATCH)),
        }
        link.done(jobs=3 * jobs, seconds=sum(took.values()), took=took)
        await worker.close()


async def _timed(step: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await step()
    return time.perf_counter() - began
