"""Load `push`: batches on streams, from one connection or several, each answered after an fsync."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.link import Link, Samples
from rockqueue_bench.loads.raw_pusher import Pushed, RawPusher
from rockqueue_bench.loads.wire import QUEUE, WARM_QUEUE, PushRequests, spec_of


async def run(link: Link) -> None:
    """Parameters: address, batch, clients, in_flight (of each client), payload_bytes, seconds, warm_up_seconds, jobs.

    `jobs` is how many it pushes at most; null: as many as the time allows.
    """
    params = link.params
    clients: int = params["clients"]
    most = params["jobs"] and -(-params["jobs"] // clients)
    async with AsyncExitStack() as stack:
        channels = [await stack.enter_async_context(connect(params["address"])) for _ in range(clients)]

        def pushers(queue: str) -> list[RawPusher]:
            requests = PushRequests(params["batch"], spec_of(params["payload_bytes"], queue))
            return [RawPusher(channel, requests, in_flight=params["in_flight"]) for channel in channels]

        await asyncio.gather(*(pusher.push(params["warm_up_seconds"]) for pusher in pushers(WARM_QUEUE)))
        measured = pushers(QUEUE)
        await link.ready()
        pushed = Pushed()
        began, began_ns = time.perf_counter(), time.monotonic_ns()
        async with Samples(lambda: pushed.jobs) as samples:
            await asyncio.gather(*(pusher.push(params["seconds"], most, pushed) for pusher in measured))
        seconds = time.perf_counter() - began
        link.done(
            jobs=pushed.jobs,
            seconds=seconds,
            latencies_ns=pushed.latencies_ns,
            samples=samples.taken,
            began_ns=began_ns,
        )
