"""One `StreamPushes` stream as a raw client uses it: batches as bytes, answers as messages."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from grpc import aio

from rockqueue.v1 import job_service_pb2
from rockqueue_bench.loads.wire import STREAM_PUSHES, on_stream

ANSWER_TIMEOUT_S = 30.0


class BatchStream:
    """Pushes batches, any number at a time; open within its block."""

    def __init__(self, channel: aio.Channel) -> None:
        self._open: Any = channel.stream_stream(
            STREAM_PUSHES, response_deserializer=job_service_pb2.StreamPushesResponse.FromString
        )
        self._answers: dict[int, asyncio.Future[job_service_pb2.PushOutcome]] = {}
        self._writing = asyncio.Lock()
        self._sequence = 0

    async def __aenter__(self) -> Self:
        self._call: Any = self._open()
        self._reading = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._call.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def push(self, request: bytes) -> job_service_pb2.PushJobsResponse:
        """Pushes a serialised PushJobsRequest. RuntimeError when it is refused or the stream breaks."""
        self._sequence += 1
        outcome = self._answers[self._sequence] = asyncio.get_running_loop().create_future()
        message = on_stream(self._sequence, request)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            async with self._writing:
                await self._call.write(message)
            answered = await outcome
        if answered.HasField("failure"):
            raise RuntimeError(f"a push was refused: {answered.failure.message}")
        return answered.answer

    async def _read(self) -> None:
        try:
            while (response := await self._call.read()) is not aio.EOF:
                for outcome in response.outcomes:
                    self._answers.pop(outcome.sequence).set_result(outcome)
        except aio.AioRpcError as error:
            for answer in self._answers.values():
                answer.set_exception(RuntimeError(f"the stream of pushes broke: {error.details()}"))
