"""Load `fill`: makes a backlog, as fast as it goes, answered from the log without an fsync."""

from __future__ import annotations

from grpc import aio

from rockqueue.v1 import job_pb2
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.raw_pusher import RawPusher
from rockqueue_bench.loads.wire import CHANNEL_OPTIONS

BATCH = 500
IN_FLIGHT = 4


async def run(link: Link) -> None:
    """Parameters: address, jobs, payload_bytes, seconds (it stops then, with fewer jobs)."""
    params = link.params
    async with aio.insecure_channel(params["address"], options=CHANNEL_OPTIONS) as channel:
        pusher = filler(channel, params["payload_bytes"])
        await link.ready()
        pushed = await pusher.push(params["seconds"], params["jobs"])
        link.done(jobs=pushed.jobs, seconds=pushed.seconds)


def filler(channel: aio.Channel, payload_bytes: int) -> RawPusher:
    """A pusher of big batches."""
    return RawPusher(
        channel,
        batch=BATCH,
        in_flight=IN_FLIGHT,
        payload_bytes=payload_bytes,
        durability=job_pb2.DURABILITY_WAL,
    )
