"""The one `StreamPushes` stream of a client: a push is a message on it, where a call would cost twice as much."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import grpc
from grpc import aio

from rockqueue._errors import DeadlineExceeded, RockQueueError, ServerError, Unavailable
from rockqueue._retry import UNKNOWN_OUTCOME
from rockqueue._status import from_entry_status, from_rpc_error
from rockqueue.v1.job_service_pb2 import PushJobsRequest, PushJobsResponse, StreamPushesRequest, StreamPushesResponse

PushCall = aio.StreamStreamCall[StreamPushesRequest, StreamPushesResponse]
Answer = asyncio.Future[PushJobsResponse]


class PushStream:
    """Sends batches in the order of the calls of `push`, on a stream that is opened when it is needed."""

    def __init__(self, open_call: Callable[[], tuple[PushCall, Callable[[], None]]]) -> None:
        """`open_call` opens a stream; what comes with it has the next one use another connection."""
        self._open_call = open_call
        self._open: _OpenStream | None = None
        self._left: set[_OpenStream] = set()
        self._leave_connection: Callable[[], None] = _nothing

    async def push(self, request: PushJobsRequest, timeout_s: float, patience_s: float) -> PushJobsResponse:
        """One attempt. Raises what the server refused the batch for; DeadlineExceeded and Unavailable leave it unknown.

        When the time is up, a stream that has kept somebody waiting for `patience_s` without a word is given up: the
        next attempt opens another. A caller in a hurry alone is no reason: the others share the stream.
        """
        stream = self._open
        if stream is None or stream.over:
            call, leave = self._open_call()
            stream = self._open = _OpenStream(call)
            self._leave_connection = leave
        answer = stream.send(request)
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError as cause:
            if stream.silent_for() >= patience_s:
                stream.give_up()
                if stream is self._open:
                    self._leave_connection()
            raise DeadlineExceeded(f"PushJobs was not answered within {timeout_s:g} s") from cause

    def leave(self) -> None:
        """The next push opens another stream. What was sent on this one may still be answered there."""
        stream, self._open = self._open, None
        self._left = {one for one in self._left if not one.over}
        if stream is not None and not stream.over:
            self._left.add(stream)
            stream.end_when_answered()

    async def end(self) -> None:
        """Breaks the streams off for good; holds nothing any more that holds the connection."""
        self._open_call = _closed
        self._leave_connection = _nothing
        await self.break_off()

    async def break_off(self) -> None:
        """Breaks the streams off; the next push opens another one."""
        streams = [*self._left, *([self._open] if self._open is not None else [])]
        self._open = None
        self._left.clear()
        for stream in streams:
            await stream.close()


def _closed() -> tuple[PushCall, Callable[[], None]]:
    raise Unavailable("the connection is closed")


def _nothing() -> None:
    pass


class _OpenStream:
    """A stream from its opening to its end. Only the writing task writes: a caller that goes away must not break it."""

    def __init__(self, call: PushCall) -> None:
        self._call = call
        self._last = 0
        self._unsent: deque[tuple[int, PushJobsRequest]] = deque()
        self._answers: dict[int, Answer] = {}
        self._more = asyncio.Event()
        self.over = False
        self._last_sent = False
        self._quiet_since = 0.0
        self._tasks = (asyncio.create_task(self._write()), asyncio.create_task(self._read()))

    def send(self, request: PushJobsRequest) -> Answer:
        """Sends a batch behind those before it. One whose caller has gone away by its turn is not sent."""
        loop = asyncio.get_running_loop()
        self._last += 1
        if not self._answers:
            self._quiet_since = loop.time()
        answer = self._answers[self._last] = loop.create_future()
        self._unsent.append((self._last, request))
        self._more.set()
        return answer

    def silent_for(self) -> float:
        """For how many seconds somebody has waited and nothing was answered."""
        return asyncio.get_running_loop().time() - self._quiet_since

    def end_when_answered(self) -> None:
        """No more batches follow."""
        self._last_sent = True
        if not self._answers:
            self.give_up()

    def give_up(self) -> None:
        """Breaks the stream off; the batches without an answer are unknown."""
        self.over = True
        self._call.cancel()

    async def close(self) -> None:
        """Breaks the stream off and waits until nothing of it is left."""
        self.give_up()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self) -> None:
        # Why a stream takes no more, `_read` learns.
        with contextlib.suppress(aio.AioRpcError, asyncio.InvalidStateError):
            while not self.over:
                await self._more.wait()
                self._more.clear()
                while self._unsent:
                    sequence, request = self._unsent.popleft()
                    answer = self._answers.get(sequence)
                    if answer is None or answer.cancelled():
                        self._answers.pop(sequence, None)
                        continue
                    await self._call.write(StreamPushesRequest(sequence=sequence, batch=request))

    async def _read(self) -> None:
        error: RockQueueError = Unavailable("the stream of pushes has ended")
        loop = asyncio.get_running_loop()
        try:
            while (response := await self._call.read()) is not aio.EOF:
                self._quiet_since = loop.time()
                self._take(cast(StreamPushesResponse, response))
                if self._last_sent and not self._answers:
                    self._call.cancel()
        except aio.AioRpcError as cause:
            error = from_rpc_error(cause)
        except asyncio.CancelledError:
            # grpc.aio reports a call that was cancelled here as if this task had been.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            error = Unavailable("the stream of pushes was broken off")
        finally:
            self.over = True
            self._fail_all(error)
            self._more.set()

    def _take(self, response: StreamPushesResponse) -> None:
        for outcome in response.outcomes:
            answer = self._answers.pop(outcome.sequence, None)
            if answer is None or answer.done():
                continue
            if outcome.HasField("failure"):
                answer.set_exception(from_entry_status(outcome.failure))
            else:
                answer.set_result(outcome.answer)

    def _fail_all(self, error: RockQueueError) -> None:
        if error.code not in UNKNOWN_OUTCOME:
            # Of a call it would say that nothing was stored. Of the batches on a stream it says nothing.
            error = ServerError(error.message, metadata=error.metadata, code=grpc.StatusCode.INTERNAL)
        answers, self._answers = self._answers, {}
        for answer in answers.values():
            if not answer.done():
                answer.set_exception(error.clone())


def open_pushes(channel: aio.Channel) -> PushCall:
    """A new stream on a channel, without a deadline."""
    make: Any = channel.stream_stream(
        "/rockqueue.v1.JobService/StreamPushes",
        request_serializer=StreamPushesRequest.SerializeToString,
        response_deserializer=StreamPushesResponse.FromString,
    )
    return make()
