"""One `StreamPushes` stream: batches go to the engine as they come, answers leave together as they become durable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING

from rockqueue_server.contract.push_stream_request import PushMessage, refused, response_of, stored
from rockqueue_server.errors import ServiceError, incident, shutting_down
from rockqueue_server.services.entries import entry_status

if TYPE_CHECKING:
    from rockqueue_server.contract.push_request import PushRequest
    from rockqueue_server.engine.engine import Engine

MOST_UNANSWERED = 256
"""So many batches of a stream wait for their answers at most; more are not read."""

_METHOD = "/rockqueue.v1.JobService/StreamPushes"
_MOST_ANSWER_BYTES = 2 << 20
"""So many bytes of answers are put together into a message; it has room for 5 MiB."""

Begin = Callable[["PushRequest"], "asyncio.Future[bytes]"]
"""Hands a batch to the engine; the future gets the serialised answer. Raises ServiceError for one that is refused."""


class PushStream:
    """A stream from its first batch to its end."""

    def __init__(self, engine: Engine, requests: AsyncIterator[PushMessage], begin: Begin) -> None:
        self._engine = engine
        self._requests = requests
        self._begin = begin
        self._outcomes: list[bytes] = []
        self._unanswered = 0
        self._ended = False
        self._failure: BaseException | None = None
        self._changed = asyncio.Event()
        self._room = asyncio.Event()

    async def responses(self) -> AsyncGenerator[bytes]:
        """Serialised responses, until every batch that was read is answered."""
        stop = self._engine.stop_signal()
        reader = asyncio.create_task(self._read())
        stop.add_done_callback(self._server_stops)
        if stop.done():
            self._server_stops(stop)
        try:
            while not self._ended or self._unanswered:
                await self._changed.wait()
                self._changed.clear()
                for response in self._take_outcomes():
                    yield response
                if self._failure is not None:
                    raise self._failure
            if stop.done():
                raise shutting_down()
        finally:
            stop.remove_done_callback(self._server_stops)
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _read(self) -> None:
        try:
            async for sequence, batch in self._requests:
                if self._ended:
                    return
                self._take_in(sequence, batch)
                while self._unanswered >= MOST_UNANSWERED:
                    self._room.clear()
                    await self._room.wait()
        except Exception as error:  # noqa: BLE001 - the boundary makes a status of it
            self._failure = error
        self._end()

    def _take_in(self, sequence: int, batch: PushRequest) -> None:
        self._unanswered += 1
        try:
            answer = self._begin(batch)
        except ServiceError as error:
            self._refused(sequence, error)
        else:
            answer.add_done_callback(partial(self._done, sequence))

    def _done(self, sequence: int, answer: asyncio.Future[bytes]) -> None:
        error = answer.exception()
        if error is None:
            self._answered(stored(sequence, answer.result()))
        else:
            # A defect is one batch's own: the engine would have stopped if it had written anything.
            self._refused(sequence, error if isinstance(error, ServiceError) else incident(_METHOD, error))

    def _refused(self, sequence: int, error: ServiceError) -> None:
        self._answered(refused(sequence, entry_status(error)))
        if "push_stream_ends_at_refusal" in self._engine.defects:
            self._failure = error

    def _answered(self, outcome: bytes) -> None:
        self._outcomes.append(outcome)
        self._changed.set()

    def _take_outcomes(self) -> list[bytes]:
        outcomes, self._outcomes = self._outcomes, []
        self._unanswered -= len(outcomes)
        self._room.set()
        responses: list[bytes] = []
        together: list[bytes] = []
        size = 0
        for outcome in outcomes:
            if together and size + len(outcome) > _MOST_ANSWER_BYTES:
                responses.append(response_of(together))
                together, size = [], 0
            together.append(outcome)
            size += len(outcome)
        if together:
            responses.append(response_of(together))
        return responses

    def _server_stops(self, _: object) -> None:
        self._end()

    def _end(self) -> None:
        """Takes in no more."""
        self._ended = True
        self._changed.set()
