"""Takes deliveries on a `Work` stream and completes them in the batches in which they came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from grpc import aio

from rockqueue.v1 import work_service_pb2
from rockqueue_bench.loads.wire import QUEUE, WORK, completions

WorkRequest, WorkResponse = work_service_pb2.WorkRequest, work_service_pb2.WorkResponse
BATCH_ENTRIES = 1000
ANSWER_TIMEOUT_S = 60.0


@dataclass(slots=True)
class Worked:
    """Jobs whose completion was acknowledged in `seconds`, and how long each batch of settlements took."""

    jobs: int = 0
    seconds: float = 0.0
    latencies_ns: list[int] = field(default_factory=list[int])


class RawWorker:
    """One session. `window` is the number of credits that it keeps with the server."""

    def __init__(self, channel: aio.Channel, window: int, queues: Sequence[str] = (QUEUE,)) -> None:
        self._window = window
        self._queues = queues
        self._sequence = 0
        self._settled = 0
        self._waiting: dict[int, tuple[int, int]] = {}
        self._stream: Any = channel.stream_stream(WORK, response_deserializer=WorkResponse.FromString)()

    async def open(self) -> None:
        """Opens the session."""
        await self._send(WorkRequest(open=work_service_pb2.OpenSession(queues=self._queues, worker="bench")))
        answer = await self._stream.read()
        if answer.WhichOneof("message") != "opened":
            raise RuntimeError(f"expected `opened`, got {answer}")

    async def work(self, jobs: int, seconds: float, into: Worked | None = None) -> Worked:
        """Completes `jobs`, which must be there or on their way, or as many as come in `seconds`.

        All credits are used up then. `into` is what it counts in and returns, for those who look on meanwhile.
        """
        worked = into or Worked()
        began = time.perf_counter()
        granted = min(self._window, jobs)
        self._settled = 0
        if not jobs:
            return worked
        await self._send(WorkRequest(credits=work_service_pb2.AddCredits(credits=granted)))
        async with asyncio.timeout(seconds + ANSWER_TIMEOUT_S):
            while self._settled < granted:
                answer = await self._stream.read()
                if answer is aio.EOF:
                    raise RuntimeError("the server ended the stream")
                kind = answer.WhichOneof("message")
                if kind == "deliveries":
                    tokens = [delivery.lease_token for delivery in answer.deliveries.deliveries]
                    more = min(len(tokens), jobs - granted) if time.perf_counter() - began < seconds else 0
                    granted += more
                    await self._complete(tokens, more)
                elif kind == "settled":
                    self._note(answer.settled, worked)
        worked.seconds = time.perf_counter() - began
        return worked

    async def close(self) -> None:
        """Says goodbye and reads until the stream ends."""
        await self._send(WorkRequest(goodbye=work_service_pb2.Goodbye()))
        await self._stream.done_writing()
        while await self._stream.read() is not aio.EOF:
            pass

    async def _complete(self, tokens: list[bytes], more: int) -> None:
        for at in range(0, len(tokens), BATCH_ENTRIES):
            part = tokens[at : at + BATCH_ENTRIES]
            self._sequence += 1
            self._waiting[self._sequence] = len(part), time.perf_counter_ns()
            await self._stream.write(completions(self._sequence, part, more if at == 0 else 0))

    def _note(self, results: work_service_pb2.SettlementResults, worked: Worked) -> None:
        if results.failures:
            raise RuntimeError(f"a completion was refused: {results.failures[0]}")
        jobs, sent_ns = self._waiting.pop(results.sequence)
        self._settled += jobs
        worked.jobs += jobs
        worked.latencies_ns.append(time.perf_counter_ns() - sent_ns)

    async def _send(self, request: work_service_pb2.WorkRequest) -> None:
        await self._stream.write(request.SerializeToString())
