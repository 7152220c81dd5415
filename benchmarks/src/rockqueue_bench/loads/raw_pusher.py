"""Pushes by plain unary calls, a fixed number of them in flight."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from grpc import aio

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_bench.loads.wire import PUSH_JOBS, PushRequests

CALL_TIMEOUT_S = 30.0


@dataclass(slots=True)
class Pushed:
    """Jobs acknowledged in `seconds`, and how long each call took."""

    jobs: int = 0
    seconds: float = 0.0
    latencies_ns: list[int] = field(default_factory=list[int])


class RawPusher:
    """Pushes batches to one queue; checks that each answer is whole and as durable as asked."""

    def __init__(
        self, channel: aio.Channel, *, batch: int, in_flight: int, payload_bytes: int, durability: job_pb2.Durability
    ) -> None:
        self._requests = PushRequests(batch, payload_bytes, durability)
        self._batch = batch
        self._in_flight = in_flight
        self._durability = durability
        self._call: Any = channel.unary_unary(
            PUSH_JOBS, response_deserializer=job_service_pb2.PushJobsResponse.FromString
        )

    async def push(self, seconds: float, most_jobs: int | None = None) -> Pushed:
        """Pushes for `seconds`, or until `most_jobs`, rounded up to batches; returns when all is answered."""
        pushed = Pushed()
        most_calls = None if most_jobs is None else -(-most_jobs // self._batch)
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
            if len(answer.jobs) != self._batch or answer.durability < self._durability:
                raise RuntimeError(f"{len(answer.jobs)} of {self._batch} jobs, durability {answer.durability}")
            pushed.jobs += self._batch
