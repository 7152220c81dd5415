"""Load `redis_push`: RPUSH to a Redis list, in pipelines of several, each answered after an fsync.

The bytes of the protocol are written and read as they are: the fastest client that there can be in Python.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from rockqueue_bench.loads.batch_stream import ANSWER_TIMEOUT_S
from rockqueue_bench.loads.link import Link, Samples
from rockqueue_bench.loads.raw_pusher import Pushed
from rockqueue_bench.loads.wire import QUEUE, payload_of

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def rpush(key: str, value: bytes) -> bytes:
    """One RPUSH command."""
    parts = (b"RPUSH", key.encode(), value)
    return b"*3\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class Pipelines:
    """Pushes with one pipeline in flight on each connection."""

    def __init__(self, streams: list[Stream], batch: int, payload: bytes) -> None:
        self._streams = streams
        self._batch = batch
        self._payload = payload

    async def push(self, seconds: float, key: str, pushed: Pushed) -> float:
        """Pushes for so long; returns how long it took until all was answered."""
        began = time.perf_counter()
        commands = rpush(key, self._payload) * self._batch
        await asyncio.gather(*(self._lane(stream, began + seconds, commands, pushed) for stream in self._streams))
        return time.perf_counter() - began

    async def _lane(self, stream: Stream, until: float, commands: bytes, pushed: Pushed) -> None:
        reader, writer = stream
        while time.perf_counter() < until:
            began_ns = time.perf_counter_ns()
            writer.write(commands)
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answered = 0
                while answered < self._batch:
                    # Each answer is the length of the list, on a line of its own.
                    answer = await reader.readuntil(b"\n")
                    if not answer.startswith(b":"):
                        raise RuntimeError(f"Redis answered {answer!r}")
                    answered += 1
            pushed.latencies_ns.append(time.perf_counter_ns() - began_ns)
            pushed.jobs += self._batch


async def run(link: Link) -> None:
    """Parameters: address, batch, in_flight, payload_bytes, seconds, warm_up_seconds."""
    params = link.params
    host, _, port = params["address"].rpartition(":")
    async with AsyncExitStack() as stack:
        streams: list[Stream] = []
        for _ in range(params["in_flight"]):
            streams.append(await asyncio.open_connection(host, int(port)))
            stack.callback(streams[-1][1].close)
        pipelines = Pipelines(streams, params["batch"], payload_of(params["payload_bytes"]))
        await pipelines.push(params["warm_up_seconds"], "warm", Pushed())
        await link.ready()
        pushed = Pushed()
        async with Samples(lambda: pushed.jobs) as samples:
            seconds = await pipelines.push(params["seconds"], QUEUE, pushed)
        link.done(jobs=pushed.jobs, seconds=seconds, latencies_ns=pushed.latencies_ns, samples=samples.taken)
