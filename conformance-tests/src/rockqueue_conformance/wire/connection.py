"""One gRPC connection to the server under test: unary calls and raw bytes, each with a deadline."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from rockqueue_conformance.wire.convert import to_data
from rockqueue_conformance.wire.errors import CallError, read_error
from rockqueue_conformance.wire.methods import Method
from rockqueue_conformance.wire.mutation import Mutation, Recorder

_OPTIONS = (
    ("grpc.max_receive_message_length", 5 << 20),
    ("grpc.max_send_message_length", 64 << 20),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 5000),  # how long one attempt to connect may take, in spite of its name
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.http2.bdp_probe", 0),  # else a stream that is not read may hold some MiB before it is full, not 64 KiB
)


class CallFailed(Exception):
    """A call ended with a status other than OK."""

    def __init__(self, error: CallError) -> None:
        super().__init__(f"{error.code} {error.reason}: {error.message}")
        self.error = error


class Connection:
    """A channel to one address. Messages in and out are plain data."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.on_the_way: Mutation | Recorder | None = None
        self._channel = grpc.aio.insecure_channel(address, options=_OPTIONS)

    async def ready(self, timeout_s: float) -> None:
        """Waits until the server answers; TimeoutError otherwise."""
        await asyncio.wait_for(self._channel.channel_ready(), timeout_s)

    async def call(self, method: Method, request: Message | bytes, timeout_s: float) -> dict[str, Any]:
        """The response as data; CallFailed with the status otherwise."""
        stub = self._stub(self._channel.unary_unary, method)
        try:
            return to_data(cast(Message, await stub(request, timeout=timeout_s)))
        except grpc.aio.AioRpcError as error:
            raise CallFailed(read_error(error)) from None

    def read_stream(self, method: Method, request: Message) -> Any:
        """A server stream with `read()` and `cancel()`."""
        return self._stub(self._channel.unary_stream, method)(request)

    def open_stream(self, method: Method) -> Any:
        """A bidirectional stream with `read()`, `write()`, `done_writing()` and `cancel()`."""
        return self._stub(self._channel.stream_stream, method)()

    async def close(self) -> None:
        await self._channel.close()

    def _stub(self, make: Any, method: Method) -> Any:
        return make(method.path, request_serializer=self._serialize, response_deserializer=partial(self._read, method))

    def _serialize(self, request: Message | bytes) -> bytes:
        if isinstance(request, bytes):
            return request
        if self.on_the_way is not None:
            self.on_the_way.apply("request", request)
        return request.SerializeToString()

    def _read(self, method: Method, data: bytes) -> Message:
        response = method.response.FromString(data)
        if self.on_the_way is not None:
            self.on_the_way.apply("response", response)
        return response
