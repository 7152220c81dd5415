"""The connection to a server: a grpc.aio channel with the contract's settings."""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar, cast

import grpc
from google.protobuf.message import Message
from grpc import aio

from rockqueue._errors import ForkError, LimitExceeded, RockQueueError, Unavailable
from rockqueue._methods import WATCH_EVENTS, WORK, Method, Request, Response
from rockqueue._status import from_rpc_error
from rockqueue._transport.push_stream import PushCall, PushStream, open_pushes
from rockqueue._version import CLIENT
from rockqueue.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse
from rockqueue.v1.job_service_pb2 import PushJobsRequest, PushJobsResponse
from rockqueue.v1.work_service_pb2 import WorkRequest, WorkResponse

# By then keepalive has ended what runs on a connection that is gone, and calls have had their time.
RETIRED_FOR_S = 90.0
# Longer than it takes to break a stream off.
FORK_WAITS_S = 1.0
MESSAGE_BYTES = 5 * 1024 * 1024

# Keepalive as the contract sets it. gRPC's own retries are off: attempts are counted and named by `_retry.py` alone.
CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.primary_user_agent", CLIENT),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # A channel of its own for each client: clients that share a subchannel would share its failures.
    ("grpc.use_local_subchannel_pool", 1),
)


class GrpcTransport:
    """A channel; connects by itself when it is used, and again when the connection breaks."""

    _open: ClassVar[set[int]] = set()
    _cut_off: ClassVar[bool] = False
    _all: ClassVar[weakref.WeakSet[GrpcTransport]] = weakref.WeakSet()

    def __init__(self, address: str) -> None:
        """Raises ForkError in a process that can have none."""
        if self._cut_off:
            raise ForkError(
                "this process was forked while its parent was connected to a server, and gRPC does not survive that; "
                "connect after the fork only, close clients before it, or start processes by spawn"
            )
        self._open.add(id(self))
        self._all.add(self)
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._channel = aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._retired: dict[aio.Channel, asyncio.TimerHandle] = {}
        self._unary: dict[str, Any] = {}
        self._pushes = PushStream(self._open_pushes)

    async def unary(self, method: Method[Request, Response], request: Request, timeout_s: float) -> Response:
        """One attempt, with `timeout_s` as its deadline on the wire."""
        _check_size(method.name, request)
        path = method.path
        call = self._unary.get(path)
        if call is None:
            call = self._unary[path] = self._channel.unary_unary(
                path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
        try:
            return cast(Response, await call(request, timeout=timeout_s))
        except aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        except aio.UsageError as error:
            raise Unavailable("the connection is closed") from error

    async def push(self, request: PushJobsRequest, timeout_s: float, patience_s: float) -> PushJobsResponse:
        """One attempt, on the client's stream of pushes."""
        _check_size("PushJobs", request)
        try:
            return await self._pushes.push(request, timeout_s, patience_s)
        except aio.UsageError as error:
            raise Unavailable("the connection is closed") from error

    def _open_pushes(self) -> tuple[PushCall, Callable[[], None]]:
        channel = self._channel
        return open_pushes(channel), lambda: self._leave(channel)

    def open_work(self) -> GrpcWorkStream:
        """A new `Work` stream, without a deadline."""
        channel = self._channel
        make = channel.stream_stream(
            WORK.path, request_serializer=WorkRequest.SerializeToString, response_deserializer=WorkResponse.FromString
        )
        return GrpcWorkStream(make(), lambda: self._leave(channel))

    def _leave(self, channel: aio.Channel) -> None:
        """The connection of this channel is silent, perhaps half of it is gone: what comes next has a new one.

        What runs on the old one goes on, if it can: silence may also mean that the server is busy.
        """
        if channel is not self._channel:
            return
        self._channel = aio.insecure_channel(self._address, options=CHANNEL_OPTIONS)
        self._unary.clear()
        self._pushes.leave()
        close = asyncio.get_running_loop().call_later(RETIRED_FOR_S, self._close_retired, channel)
        self._retired[channel] = close

    def _close_retired(self, channel: aio.Channel) -> None:
        del self._retired[channel]
        self._closing = asyncio.ensure_future(channel.close(None))

    async def watch_events(self, request: WatchEventsRequest) -> AsyncIterator[WatchEventsResponse]:
        """A new event stream, without a deadline."""
        make = self._channel.unary_stream(
            WATCH_EVENTS.path,
            request_serializer=WatchEventsRequest.SerializeToString,
            response_deserializer=WatchEventsResponse.FromString,
        )
        call = make(request)
        try:
            async for response in call:
                yield response
        except aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        except asyncio.CancelledError:
            raise_if_cancelled_here(call)
            raise
        finally:
            call.cancel()

    @classmethod
    def before_fork(cls) -> None:
        """A child whose parent has an open stream may crash in gRPC's own handlers. The next push opens another one."""
        for transport in list(cls._all):
            with contextlib.suppress(Exception):
                if asyncio._get_running_loop() is transport._loop or not transport._loop.is_running():  # noqa: SLF001 - the public one raises
                    continue
                ending = asyncio.run_coroutine_threadsafe(transport._pushes.break_off(), transport._loop)  # noqa: SLF001 - our own
                ending.result(FORK_WAITS_S)

    @classmethod
    def after_fork_in_child(cls) -> None:
        """GRPC has threads of its own, which a forked process lacks: it would wait for them for ever.

        Where nothing was open at the fork it starts anew.
        """
        cls._cut_off = cls._cut_off or bool(cls._open)

    async def close(self) -> None:
        """Closes the channel at once; calls under way are cancelled."""
        await self._pushes.end()
        retired, self._retired = self._retired, {}
        for timer in retired.values():
            timer.cancel()
        for channel in (*retired, self._channel):
            await channel.close(None)
        self._open.discard(id(self))


def _check_size(name: str, request: Message) -> None:
    """Refuses what gRPC would refuse with fewer words."""
    size = request.ByteSize()
    if size > MESSAGE_BYTES:
        metadata = {"field": name, "limit": str(MESSAGE_BYTES), "actual": str(size)}
        raise LimitExceeded(f"{name}: {size} bytes are over the limit of {MESSAGE_BYTES}", metadata=metadata)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=GrpcTransport.before_fork, after_in_child=GrpcTransport.after_fork_in_child)


class GrpcWorkStream:
    """A `Work` stream on a channel. `leave` has what comes after it use another."""

    def __init__(self, call: aio.StreamStreamCall[WorkRequest, WorkResponse], leave: Callable[[], None]) -> None:
        self._call = call
        self._leave = leave

    async def write(self, message: WorkRequest) -> None:
        """Raises Unavailable when the stream has ended; `read` then tells why."""
        try:
            await self._call.write(message)
        except aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        except asyncio.InvalidStateError as error:
            raise Unavailable("the stream has ended") from error

    async def read(self) -> WorkResponse | None:
        """The next message, or None at the end."""
        try:
            message = await self._call.read()
        except aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        except asyncio.CancelledError:
            raise_if_cancelled_here(self._call)
            raise
        return cast(WorkResponse, message) if message is not aio.EOF else None

    async def done_writing(self) -> None:
        """Half-closes the stream."""
        try:
            await self._call.done_writing()
        except (aio.AioRpcError, asyncio.InvalidStateError) as error:
            raise Unavailable("the stream has ended") from error

    def cancel(self) -> None:
        """Cancels the call."""
        self._call.cancel()

    def give_up(self) -> None:
        """Cancels the call, and has what is opened from now on use another connection."""
        self._leave()
        self._call.cancel()


def raise_if_cancelled_here(call: aio.Call) -> None:
    """grpc.aio reports a call that `cancel()` ended as CancelledError, as if the reading task were cancelled."""
    task = asyncio.current_task()
    if call.cancelled() and task is not None and not task.cancelling():
        raise broken_off()


def broken_off() -> RockQueueError:
    """The error of a stream that this side broke off."""
    return Unavailable("the stream was broken off", code=grpc.StatusCode.CANCELLED)
