"""Load `probe`: pushes one job at a time to a queue of its own, and notes when and how long each call took."""

from __future__ import annotations

import asyncio
import time

from rockqueue_bench.loads.batch_stream import ANSWER_TIMEOUT_S
from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.raw_pusher import RawPusher
from rockqueue_bench.loads.wire import WARM_QUEUE, PushRequests, spec_of

PAYLOAD_BYTES = 100
WARM_UP_CALLS = 50


async def run(link: Link) -> None:
    """Parameters: address, pause_ms (between calls). Told anything after the go, it ends.

    `calls` in its result are pairs of when a call began, by the monotonic clock, and how long it took, in nanoseconds.
    """
    params = link.params
    calls: list[tuple[int, int]] = []
    async with connect(params["address"]) as channel:
        pusher = RawPusher(channel, PushRequests(1, spec_of(PAYLOAD_BYTES, WARM_QUEUE)), in_flight=1)
        await pusher.push(ANSWER_TIMEOUT_S, WARM_UP_CALLS)
        await link.ready()
        told = asyncio.create_task(link.hear())
        began = time.perf_counter()
        last = False
        while not last:
            # One more call after the end: what it ended may have been over within a pause.
            last = told.done()
            began_ns = time.monotonic_ns()
            await pusher.push(ANSWER_TIMEOUT_S, 1)
            calls.append((began_ns, time.monotonic_ns() - began_ns))
            await asyncio.sleep(params["pause_ms"] / 1000)
        await told
        took_ns = [one_ns for _, one_ns in calls]
        link.done(jobs=len(calls), seconds=time.perf_counter() - began, latencies_ns=took_ns, calls=calls)
