"""Load `fill`: makes a backlog, as fast as it goes, answered from the log without an fsync."""

from __future__ import annotations

from grpc import aio

from rockqueue.v1 import job_pb2
from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.raw_pusher import RawPusher
from rockqueue_bench.loads.wire import PushRequests, spec_of

BATCH = 500
IN_FLIGHT = 4


async def run(link: Link) -> None:
    """Parameters: address, jobs, payload_bytes, seconds (it stops then, with fewer jobs)."""
    params = link.params
    async with connect(params["address"]) as channel:
        pusher = filler(channel, spec_of(params["payload_bytes"]))
        await link.ready()
        pushed = await pusher.push(params["seconds"], params["jobs"])
        link.done(jobs=pushed.jobs, seconds=pushed.seconds)


def filler(channel: aio.Channel, spec: job_pb2.JobSpec) -> RawPusher:
    """A pusher of big batches of the same job."""
    return RawPusher(channel, PushRequests(BATCH, spec, job_pb2.DURABILITY_WAL), in_flight=IN_FLIGHT)
