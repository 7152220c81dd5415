"""The one boundary between gRPC and the core: bytes to messages and back, and every failure to a status.

gRPC is given no serializers: a request that cannot be parsed would otherwise end with the parser's own words in the
status. A handler adds no task of its own, as a unary call has to stay cheap; that a commit outlives its caller is the
core's care.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from rockqueue_server.api.failures import as_service_error, unreadable, wire_status
from rockqueue_server.api.write_deadline import WriteDeadline
from rockqueue_server.errors import ServiceError, incident, slow_reader

MAX_MESSAGE_BYTES = 5 << 20

# How long the status of a stream that was cut may take to leave before the stream is dropped without one.
FAREWELL_S = 1.0

logger = logging.getLogger(__name__)

RequestT = TypeVar("RequestT", bound=Message)
Parse = Callable[[bytes], Any]
"""Bytes to a request message, or to what the core takes instead. Raises DecodeError."""
Respond = Callable[[Any], Awaitable["Message | bytes"]]
Stream = Callable[[Any], AsyncIterator["Message | bytes"]]
Converse = Callable[[AsyncIterator[Message]], AsyncIterator["Message | bytes"]]


class CallContext(Protocol):
    """What is used of grpc.aio's servicer context. `read` gives the bytes of a message, or `grpc.aio.EOF`."""

    async def read(self) -> object: ...
    async def send_initial_metadata(self, metadata: tuple[()], /) -> None: ...
    async def write(self, message: bytes, /) -> None: ...
    async def abort(
        self, code: grpc.StatusCode, details: str = ..., trailing_metadata: tuple[tuple[str, str | bytes], ...] = ...
    ) -> NoReturn: ...


@dataclass(frozen=True, slots=True)
class MethodFace:
    """What the boundary knows of a method: its full name for the log, and how its requests are read."""

    name: str
    message_type: str
    parse: Parse
    write_timeout_s: float = 30.0


def unary(face: MethodFace, respond: Respond) -> Callable[[bytes, CallContext], Awaitable[bytes]]:
    """A handler for a method with one request and one response."""
    parse = face.parse

    async def handle(raw: bytes, context: CallContext) -> bytes:
        try:
            try:
                request = parse(raw)
            except DecodeError:
                raise unreadable(face.message_type) from None
            return _serialized(await respond(request))
        except asyncio.CancelledError as error:
            failure = _unless_cancelled(face, error)
        except Exception as error:  # noqa: BLE001 - the boundary: nothing else may reach gRPC
            failure = as_service_error(face.name, error)
        await _abort(context, failure)
        return b""

    return handle


def server_stream(face: MethodFace, stream: Stream) -> Callable[[bytes, CallContext], Awaitable[None]]:
    """A handler for a method with one request and a stream of responses."""
    parse = face.parse

    async def handle(raw: bytes, context: CallContext) -> None:
        try:
            request = parse(raw)
        except DecodeError:
            await _abort(context, unreadable(face.message_type))
            return
        await _pump(face, context, lambda: stream(request))

    return handle


def two_way_stream(face: MethodFace, converse: Converse) -> Callable[[object, CallContext], Awaitable[None]]:
    """A handler for a method with a stream in each direction."""

    async def handle(_: object, context: CallContext) -> None:
        requests = _Requests(face, context)
        await _pump(face, context, lambda: converse(requests), requests)

    return handle


class _Requests(AsyncIterator[Message]):
    """The messages of a caller's stream. Ends when the caller closes its side, and when the connection breaks."""

    __slots__ = ("_face", "_read", "failure")

    def __init__(self, face: MethodFace, context: CallContext) -> None:
        self._face = face
        self._read = context.read
        self.failure: ServiceError | None = None

    async def __anext__(self) -> Message:
        raw = await self._read()
        if not isinstance(raw, bytes):
            raise StopAsyncIteration
        try:
            return self._face.parse(raw)
        except DecodeError:
            self.failure = unreadable(self._face.message_type)
            raise self.failure from None


async def _pump(
    face: MethodFace,
    context: CallContext,
    start: Callable[[], AsyncIterator[Message | bytes]],
    requests: _Requests | None = None,
) -> None:
    """Writes responses until there are no more, the caller is gone, or it has not read for too long."""
    task = asyncio.current_task()
    assert task is not None
    deadline = WriteDeadline(task, face.write_timeout_s)
    failure: ServiceError | None = None
    try:
        responses = start()
        begun = False
        try:
            async for response in responses:
                raw = _serialized(response)
                if not begun:
                    # By itself: gRPC would send it again with the status when the first write was cut, and fail.
                    await context.send_initial_metadata(())
                    begun = True
                deadline.begin()
                await context.write(raw)
                deadline.end()
        finally:
            deadline.close()
            await _close(responses)
    except asyncio.CancelledError as error:
        if deadline.expired:
            task.uncancel()
            await _part_from_silent_reader(face, context)
            return
        failure = _unless_cancelled(face, error)
    except Exception as error:  # noqa: BLE001 - the boundary: nothing else may reach gRPC
        failure = as_service_error(face.name, error)
    finally:
        deadline.close()
    # A core may end its stream when the requests fail, instead of passing their error on.
    failure = failure or (requests.failure if requests else None)
    if failure is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(face.write_timeout_s):
                await _abort(context, failure)


def _serialized(response: Message | bytes) -> bytes:
    raw = response if isinstance(response, bytes) else response.SerializeToString()
    if len(raw) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a response of {len(raw)} bytes is over the limit of {MAX_MESSAGE_BYTES}")
    return raw


async def _close(responses: AsyncIterator[Message | bytes]) -> None:
    """Ends the core's generator now, so that what it holds is given back before the call is over."""
    close = getattr(responses, "aclose", None)
    if close is not None:
        await close()


def _unless_cancelled(face: MethodFace, error: asyncio.CancelledError) -> ServiceError:
    """Passes on a cancellation that was meant for this call; one that came out of the core is a defect.

    gRPC sends no status for a handler that ends with CancelledError, so the caller would wait for ever.
    """
    task = asyncio.current_task()
    if task is None or task.cancelling():
        raise error
    return incident(face.name, error)


async def _abort(context: CallContext, failure: ServiceError) -> None:
    """Sends the status of a failure. Ends the handler, or returns when the client is gone already."""
    code, message, trailers = wire_status(failure)
    with suppress(grpc.aio.InternalError):
        await context.abort(code, message, trailers)


async def _part_from_silent_reader(face: MethodFace, context: CallContext) -> None:
    """Ends a stream that nobody reads. Its status may have to wait behind what is unread; this does not."""
    logger.warning("stream cut: its client does not read", extra={"method": face.name, "limit_s": face.write_timeout_s})
    with suppress(TimeoutError, grpc.aio.InternalError):
        async with asyncio.timeout(FAREWELL_S):
            code, message, trailers = wire_status(slow_reader())
            await context.abort(code, message, trailers)
