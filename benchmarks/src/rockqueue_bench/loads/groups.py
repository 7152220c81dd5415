"""Load `groups`: jobs that are spread over the groups of one queue, and a worker that takes them."""

from __future__ import annotations

import itertools

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.raw_pusher import RawPusher
from rockqueue_bench.loads.raw_worker import RawWorker
from rockqueue_bench.loads.wire import request_id, spec_of

BATCH = 500
IN_FLIGHT = 4
WITHIN_S = 120.0


class Spread:
    """Push requests whose jobs go to one group after the other."""

    batch = BATCH
    durability = job_pb2.DURABILITY_WAL

    def __init__(self, groups: int, payload_bytes: int) -> None:
        self._spec = spec_of(payload_bytes)
        self._numbers = itertools.cycle(range(groups))

    def new(self) -> bytes:
        """The request for the next groups."""
        message = job_service_pb2.PushJobsRequest(durability=self.durability)
        for number in itertools.islice(self._numbers, self.batch):
            self._spec.group = f"tenant-{number}"
            message.jobs.append(self._spec)
        return request_id() + message.SerializeToString()


async def run(link: Link) -> None:
    """Parameters: address, groups, jobs, window, payload_bytes. What is measured is the taking."""
    params = link.params
    async with connect(params["address"]) as channel:
        pusher = RawPusher(channel, Spread(params["groups"], params["payload_bytes"]), in_flight=IN_FLIGHT)
        filled = await pusher.push(WITHIN_S, params["jobs"])
        worker = RawWorker(channel, params["window"])
        await worker.open()
        await link.ready()
        worked = await worker.work(filled.jobs, WITHIN_S)
        if worked.jobs < params["jobs"]:
            raise RuntimeError(f"only {worked.jobs} of {params['jobs']} jobs were completed within {WITHIN_S:.0f} s")
        link.done(jobs=worked.jobs, seconds=worked.seconds, latencies_ns=worked.latencies_ns)
        await worker.close()
