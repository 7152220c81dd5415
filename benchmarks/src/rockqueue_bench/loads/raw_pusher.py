"""Pushes by plain unary calls, a fixed number of them in flight."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from grpc import aio

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_bench.loads.wire import PUSH_JOBS

CALL_TIMEOUT_S = 30.0


@dataclass(slots=True)
class Pushed:
    """Jobs acknowledged in `seconds`, and how long each call took."""

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
        self._requests = requests
        self._in_flight = in_flight
        self._call: Any = channel.unary_unary(
            PUSH_JOBS, response_deserializer=job_service_pb2.PushJobsResponse.FromString
        )

    async def push(self, seconds: float, most_jobs: int | None = None, into: Pushed | None = None) -> Pushed:
        """Pushes for `seconds`, or until `most_jobs`, rounded up to batches; returns when all is answered.

        `into` is what it counts in and returns, for those who look on meanwhile.
        """
        pushed = into or Pushed()
        most_calls = None if most_jobs is None else -(-most_jobs // self._requests.batch)
        began = time.perf_counter()
        self._calls = 0
        await asyncio.gather(*(self._lane(pushed, began + seconds, most_calls) for _ in range(self._in_flight)))
        pushed.seconds = time.perf_counter() - began
        return pushed

    async def _lane(self, pushed: Pushed, until: float, most_calls: int | None) -> None:
        while time.perf_counter() < until and (most_calls is None or self._calls < most_calls):
            self._calls += 1
            began_ns = time.perf_counter_ns()
            answer: job_service_pb2.PushJobsResponse = await self._call(self._requests.new(), timeout=CALL_TIMEOUT_S)
            pushed.latencies_ns.append(time.perf_counter_ns() - began_ns)
            wanted = self._requests
            if len(answer.jobs) != wanted.batch or answer.durability < wanted.durability:
                raise RuntimeError(f"{len(answer.jobs)} of {wanted.batch} jobs, durability {answer.durability}")
            pushed.jobs += wanted.batch
