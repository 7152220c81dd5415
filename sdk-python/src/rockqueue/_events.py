"""The event stream: resumes by itself after the last event, so that none is skipped or repeated."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Self

import grpc

from rockqueue._errors import RockQueueError, Unavailable
from rockqueue._event_models import Event, EventFilter, build_event_filter
from rockqueue._operations import Operations
from rockqueue._retry import backoff, spread
from rockqueue._states import event_type
from rockqueue.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse

log = logging.getLogger("rockqueue")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0

_FINAL = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
    }
)


class EventReader:
    """The I/O side: reads one response after the other, over as many streams as it takes."""

    def __init__(self, operations: Operations, request: WatchEventsRequest) -> None:
        self._operations = operations
        self._request = request
        self._responses: AsyncGenerator[WatchEventsResponse, None] | None = None
        self._failures = 0
        self._reading: asyncio.Task[object] | None = None

    async def next_response(self) -> WatchEventsResponse:
        """The next response, a checkpoint perhaps. Raises what no further attempt can mend."""
        self._reading = asyncio.current_task()
        while True:
            try:
                response = await self._read()
            except RockQueueError as error:
                self._responses = None
                if error.code in _FINAL:
                    raise
                await self._pause(error)
                continue
            self._failures = 0
            self._request.cursor = response.cursor
            return response

    async def _read(self) -> WatchEventsResponse:
        if self._responses is None:
            transport = await self._operations.runtime.transport()
            request = WatchEventsRequest()
            request.CopyFrom(self._request)
            self._responses = transport.watch_events(request)  # type: ignore[assignment]
        assert self._responses is not None
        try:
            return await anext(self._responses)
        except StopAsyncIteration:
            raise Unavailable("the server ended the event stream") from None

    async def _pause(self, error: RockQueueError) -> None:
        self._failures += 1
        # The first attempt after a stream that worked follows at once: servers restart, and events wait.
        pause = backoff(self._failures - 1, FIRST_PAUSE_S, LONGEST_PAUSE_S, spread())
        pause = max(pause if self._failures > 1 else 0.0, min(error.retry_after or 0.0, LONGEST_PAUSE_S))
        log.debug("event stream broke off (%s); resuming in %.2f s", error, pause)
        await asyncio.sleep(pause)

    async def close(self) -> None:
        """Ends the stream, and a read that is under way in another task: a generator that runs cannot be closed."""
        if self._reading is not None and self._reading is not asyncio.current_task():
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        responses, self._responses = self._responses, None
        if responses is not None:
            await responses.aclose()


class _Stream:
    """What the async and the sync stream share: events not handed out yet, and the answer under way."""

    def __init__(self, open_operations: Callable[[], Operations], request: WatchEventsRequest) -> None:
        self._open_operations = open_operations
        self._request = request
        self._operations: Operations | None = None
        self._reader: EventReader | None = None
        self._events: deque[Event] = deque()
        self._asked: concurrent.futures.Future[WatchEventsResponse] | None = None
        self._after_events = request.cursor
        self._closed = False
        self.cursor = request.cursor
        """Where to resume: everything up to here was handed out. Empty before the first answer of the server."""

    def _ask(self) -> concurrent.futures.Future[WatchEventsResponse]:
        # A wait that was cancelled leaves its answer for the next one: nothing is lost.
        if self._asked is None:
            if self._operations is None or self._reader is None:
                self._operations = self._open_operations()
                self._reader = EventReader(self._operations, self._request)
            self._asked = self._operations.runtime.submit(self._reader.next_response())
        return self._asked

    def _take(self, response: WatchEventsResponse) -> None:
        self._asked = None
        for event in response.events:
            kind = event_type(event.type)
            if kind is not None:
                self._events.append(Event.of(event, kind))
        self._after_events = response.cursor
        if not self._events:
            self.cursor = response.cursor

    def _pop(self) -> Event:
        event = self._events.popleft()
        self.cursor = event.cursor if self._events else self._after_events
        return event

    def _abandon(self) -> concurrent.futures.Future[None] | None:
        self._closed = True
        self._events.clear()
        if self._asked is not None:
            self._asked.cancel()
        if self._operations is None or self._reader is None:
            return None
        return self._operations.runtime.submit(self._reader.close())


class EventStream(_Stream):
    """Events in the order of their commits, without end: `async for event in stream`.

    Broken connections are resumed where they broke. Raises CursorExpired when the stream fell behind what the server
    keeps. `async with` begins the subscription before the block: what happens in the block is in the stream.
    """

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        """Waits until the server has taken the subscription."""
        if not self.cursor and not self._events:
            await self._receive()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            await self._receive()
        return self._pop()

    async def _receive(self) -> None:
        asked = self._ask()
        try:
            response = await asyncio.shield(asyncio.wrap_future(asked))
        except RockQueueError:
            self._asked = None
            raise
        self._take(response)

    async def aclose(self) -> None:
        """Ends the subscription; twice is fine."""
        closing = None if self._closed else self._abandon()
        if closing is not None:
            await asyncio.wrap_future(closing)


class SyncEventStream(_Stream):
    """The same for programs without a loop: `for event in stream`."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Waits until the server has taken the subscription."""
        if not self.cursor and not self._events:
            self._receive()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        while not self._events:
            if self._closed:
                raise StopIteration
            self._receive()
        return self._pop()

    def _receive(self) -> None:
        asked = self._ask()
        try:
            response = asked.result()
        except RockQueueError:
            self._asked = None
            raise
        self._take(response)

    def close(self) -> None:
        """Ends the subscription; twice is fine."""
        closing = None if self._closed else self._abandon()
        if closing is not None:
            closing.result()


def watch_request(wanted: EventFilter, after: str | None, *, beginning: bool) -> WatchEventsRequest:
    """The request of a subscription. Raises ValueError for both a cursor and the beginning, or an unknown type."""
    if after is not None and beginning:
        raise ValueError("after and beginning exclude each other")
    request = WatchEventsRequest(filter=build_event_filter(wanted))
    if beginning:
        request.beginning = True
    if after is not None:
        request.cursor = after
    return request
