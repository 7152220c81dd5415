"""The proxy: takes every call of an SDK, notes it, does what the script says, and passes it to the real server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from rockqueue.v1.job_service_pb2 import PushJobsRequest
from rockqueue_conformance.sdk.distort import Distortion
from rockqueue_conformance.sdk.judge import WireJudge
from rockqueue_conformance.sdk.proxy.pushes import PushRelay
from rockqueue_conformance.sdk.proxy.records import CallRecord, Records
from rockqueue_conformance.sdk.proxy.refusals import Refused, abort, refusal_of
from rockqueue_conformance.sdk.proxy.relay import Relay
from rockqueue_conformance.sdk.proxy.rules import Rules, changed, refusal, wait_as_told
from rockqueue_conformance.sdk.proxy.work import WorkRelay
from rockqueue_conformance.wire.convert import from_data
from rockqueue_conformance.wire.methods import METHODS, Method

Data = dict[str, Any]

_MESSAGE_BYTES = 64 << 20
_SERVER_OPTIONS = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    # As the contract has it: a client may ping every 10 s, also without a call.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),
)
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 5000),  # how long one attempt to connect may take, in spite of its name
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.use_local_subchannel_pool", 1),
)
_OWN_METADATA = ("user-agent", "content-type", "te", "grpc-")
PassOn = Callable[[Message], Awaitable[bytes]]
_ROTATING = ("grpc.max_connection_age_ms", 150)


class Proxy:
    """One address for SDKs; behind it the server that is there now."""

    def __init__(self, distortion: Distortion | None = None) -> None:
        self.relay = Relay()
        self.rules = Rules()
        self.records = Records()
        self.judge = WireJudge()
        self.distortion = distortion or Distortion()
        self.live: dict[int, WorkRelay] = {}
        self.streams = 0
        self._channel: grpc.aio.Channel | None = None
        self._server: grpc.aio.Server | None = None
        self._rotating = False

    @property
    def url(self) -> str:
        """What clients are given."""
        return f"rockqueue://127.0.0.1:{self.relay.port}"

    async def start(self) -> None:
        await self.relay.start()
        await self._serve()

    async def _serve(self, *options: tuple[str, int]) -> None:
        self._rotating = bool(options)
        server = grpc.aio.server(options=_SERVER_OPTIONS + options)
        server.add_generic_rpc_handlers((_Handlers(self),))
        self.relay.target_port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        self._server = server

    async def connect(self, address: str) -> None:
        """The real server is there from now on."""
        if self._channel is not None:
            await self._channel.close(None)
        self._channel = grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS)

    def begin_case(self) -> None:
        """Forgets what was seen, and what was to be done."""
        self.relay.flow()
        self.rules.clear()
        self.records = Records()
        self.judge = WireJudge()
        self.streams = 0

    async def rotate(self) -> None:
        """From now on every connection is told GOAWAY soon after it was made; calls under way may finish."""
        await self._replace(_ROTATING)

    async def _replace(self, *options: tuple[str, int]) -> None:
        old = self._server
        await self._serve(*options)
        self.relay.cut()
        if old is not None:
            await old.stop(0)

    async def settle(self) -> None:
        """After a case: connections stay again."""
        if self._rotating:
            await self._replace()

    async def close(self) -> None:
        await self.relay.close()
        if self._server is not None:
            await self._server.stop(0)
        if self._channel is not None:
            await self._channel.close(None)

    def channel(self) -> grpc.aio.Channel:
        assert self._channel is not None
        return self._channel


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        path: str = cast(Any, handler_call_details).method
        method = next((one for one in METHODS.values() if one.path == path), None)
        if method is None:
            return None
        handler: Any = grpc.unary_unary_rpc_method_handler
        function: Any = _bound(self._unary, method)
        if method.client_streaming:
            handler = grpc.stream_stream_rpc_method_handler
            function = self._work if method.name == "WorkService.Work" else self._pushes
        elif method.server_streaming:
            handler, function = grpc.unary_stream_rpc_method_handler, _bound(self._watch, method)
        return handler(function)

    # ---- unary calls ----------------------------------------------------------------------------------------------

    async def _unary(self, method: Method, data: bytes, context: Any) -> bytes:
        request = method.request.FromString(data)
        try:
            return await self._call(method, request, context, lambda one: self._pass_on(method, one, context))
        except Refused as refused:
            await abort(context, refused.refusal)
            raise AssertionError from None

    async def _call(
        self, method: Method, request: Message, context: Any, pass_on: PassOn, *, on_stream: bool = False
    ) -> bytes:
        """One call, noted and done to as the script says. Raises Refused."""
        proxy = self._proxy
        size = request.ByteSize()
        request = proxy.distortion.request(method, request)
        record = self._note(method, request, size, context, on_stream=on_stream)
        what = proxy.rules.find(record.method, request)
        try:
            reply = await self._answer(method, request, what, pass_on)
            record.code = "OK"
        except Refused as refused:
            record.code = refused.refusal.code.name
            raise
        except asyncio.CancelledError:
            record.code = "CANCELLED"
            raise
        finally:
            record.ended = proxy.records.now()
        return reply

    def _note(
        self, method: Method, request: Message | None, size: int, context: Any, *, on_stream: bool = False
    ) -> CallRecord:
        proxy, name = self._proxy, method.name.partition(".")[2]
        metadata = {str(key): str(value) for key, value in context.invocation_metadata()}
        record = CallRecord(
            method=name,
            request=request,
            deadline_s=proxy.distortion.deadline(context.time_remaining()),
            metadata=proxy.distortion.metadata(metadata),
            at=proxy.records.now(),
            request_bytes=size,
            open=proxy.records.open_calls(name) + 1,
            on_stream=on_stream,
        )
        proxy.records.calls.append(record)
        proxy.judge.call(record)
        return record

    async def _answer(self, method: Method, request: Message, what: Data, pass_on: PassOn) -> bytes:
        await wait_as_told(what)
        _refuse(what)
        if "answer" in what:
            return from_data(method.response, what["answer"]).SerializeToString()
        reply = await pass_on(request)
        await wait_as_told(what, "delay_reply")
        if "lose_reply" in what:
            raise Refused(refusal("UNAVAILABLE"))
        if "change" in what:
            reply = changed(method.response.FromString(reply), what["change"]).SerializeToString()
        return reply

    async def _pass_on(self, method: Method, request: Message, context: Any) -> bytes:
        call = cast(Any, self._proxy.channel()).unary_unary(method.path)
        try:
            data = request.SerializeToString()
            return await call(data, timeout=context.time_remaining(), metadata=_passed(context))
        except grpc.aio.AioRpcError as error:
            raise Refused(refusal_of(error.code(), error.details(), error.trailing_metadata())) from None
        except grpc.aio.UsageError:
            raise Refused(refusal("UNAVAILABLE")) from None

    # ---- streams --------------------------------------------------------------------------------------------------

    async def _watch(self, method: Method, data: bytes, context: Any) -> None:
        proxy = self._proxy
        request = method.request.FromString(data)
        record = self._note(method, request, len(data), context)
        call: Any = None
        try:
            what = proxy.rules.find(record.method, request)
            _refuse(what)
            call = cast(Any, proxy.channel().unary_stream(method.path))(data, metadata=_passed(context))
            async for reply in call:
                response = method.response.FromString(reply)
                what = proxy.rules.find(record.method, response, "server response")
                _refuse(what)
                await context.write(
                    changed(response, what["change"]).SerializeToString() if "change" in what else reply
                )
        except grpc.aio.AioRpcError as error:
            record.code = error.code().name
            await abort(context, refusal_of(error.code(), error.details(), error.trailing_metadata()))
        except Refused as refused:
            record.code = refused.refusal.code.name
            await abort(context, refused.refusal)
        finally:
            record.ended = proxy.records.now()
            if call is not None:
                call.cancel()

    async def _pushes(self, _: Any, context: Any) -> None:
        method = METHODS["JobService.PushJobs"]

        async def push(request: PushJobsRequest, pass_on: PassOn) -> bytes:
            return await self._call(method, request, context, pass_on, on_stream=True)

        outcome = await PushRelay(self._proxy, context, push).run(_passed(context))
        if outcome is not None:
            await abort(context, outcome)

    async def _work(self, _: Any, context: Any) -> None:
        proxy = self._proxy
        proxy.streams += 1
        record = self._note(METHODS["WorkService.Work"], None, 0, context)
        what = proxy.rules.find("Work", None)
        stream = WorkRelay(proxy.streams, proxy, context)
        try:
            await wait_as_told(what)
            if "fail" in what:
                stream.end(refusal(what["fail"]), by="script")
            proxy.live[id(stream)] = stream
            outcome = await stream.run(_passed(context))
            if outcome is not None:
                record.code = outcome.code.name
                await abort(context, outcome)
            record.code = "OK"
        finally:
            proxy.live.pop(id(stream), None)
            stream.note_end(record.code or "CANCELLED")
            record.ended = proxy.records.now()


def _refuse(what: Data) -> None:
    if "fail" in what:
        raise Refused(refusal(what["fail"]))


def _bound(function: Any, method: Method) -> Any:
    async def handle(data: bytes, context: Any) -> Any:
        return await function(method, data, context)

    return handle


def _passed(context: Any) -> tuple[tuple[str, str | bytes], ...]:
    """The SDK's metadata without what each connection says for itself."""
    return tuple((key, value) for key, value in context.invocation_metadata() if not key.startswith(_OWN_METADATA))
