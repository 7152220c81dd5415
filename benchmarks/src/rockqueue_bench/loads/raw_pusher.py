"""Pushes on a `StreamPushes` stream, as SDKs do, a fixed number of batches in flight."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

from grpc import aio

from rockqueue.v1 import job_pb2
from rockqueue_bench.loads.batch_stream import BatchStream


@dataclass(slots=True)
class Pushed:
    """Jobs acknowledged in `seconds`, and how long each batch took."""

    jobs: int = 0
    seconds: float = 0.0
    latencies_ns: list[int] = field(default_factory=list[int])


class Requests(Protocol):
    """Push requests as bytes: all of one size, asking for one durability."""

    @property
    def batch(self) -> int: ...
    @property
    def durability(self) -> job_pb2.Durability: ...
    def new(self) -> bytes: ...


class RawPusher:
    """Pushes batches; checks that each answer is whole and as durable as asked."""

    def __init__(self, channel: aio.Channel, requests: Requests, *, in_flight: int) -> None:
        self._channel = channel
        self._requests = requests
        self._in_flight = in_flight
        self._sent = 0

    async def push(self, seconds: float, most_jobs: int | None = None, into: Pushed | None = None) -> Pushed:
        """Pushes for `seconds`, or until `most_jobs`, rounded up to batches; returns when all is answered.

        `into` is what it counts in and returns, for those who look on meanwhile.
        """
        pushed = into or Pushed()
        most = None if most_jobs is None else -(-most_jobs // self._requests.batch)
        async with BatchStream(self._channel) as stream:
            began = time.perf_counter()
            self._sent = 0
            await asyncio.gather(*(self._lane(stream, pushed, began + seconds, most) for _ in range(self._in_flight)))
            pushed.seconds = time.perf_counter() - began
        return pushed

    async def _lane(self, stream: BatchStream, pushed: Pushed, until: float, most: int | None) -> None:
        wanted = self._requests
        while time.perf_counter() < until and (most is None or self._sent < most):
            self._sent += 1
            began_ns = time.perf_counter_ns()
            answer = await stream.push(wanted.new())
            pushed.latencies_ns.append(time.perf_counter_ns() - began_ns)
            if len(answer.jobs) != wanted.batch or answer.durability < wanted.durability:
                raise RuntimeError(f"{len(answer.jobs)} of {wanted.batch} jobs, durability {answer.durability}")
            pushed.jobs += wanted.batch
