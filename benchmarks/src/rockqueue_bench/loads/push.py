"""Load `push`: batches by unary calls, several in flight, each answered after an fsync."""

from __future__ import annotations

from grpc import aio

from rockqueue.v1 import job_pb2
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.raw_pusher import RawPusher
from rockqueue_bench.loads.wire import CHANNEL_OPTIONS


async def run(link: Link) -> None:
    """Parameters: address, batch, in_flight, payload_bytes, seconds, warm_up_seconds."""
    params = link.params
    async with aio.insecure_channel(params["address"], options=CHANNEL_OPTIONS) as channel:
        pusher = RawPusher(
            channel,
            batch=params["batch"],
            in_flight=params["in_flight"],
            payload_bytes=params["payload_bytes"],
            durability=job_pb2.DURABILITY_FSYNC,
        )
        await pusher.push(params["warm_up_seconds"])
        await link.ready()
        pushed = await pusher.push(params["seconds"])
        link.done(jobs=pushed.jobs, seconds=pushed.seconds, latencies_ns=pushed.latencies_ns)
