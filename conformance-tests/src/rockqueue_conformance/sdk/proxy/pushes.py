"""One `StreamPushes` stream through the proxy: to cases and rules each of its batches is a PushJobs call."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from rockqueue.v1.job_service_pb2 import (
    EntryStatus,
    PushJobsRequest,
    PushJobsResponse,
    PushOutcome,
    StreamPushesRequest,
    StreamPushesResponse,
)
from rockqueue_conformance.sdk.proxy.refusals import Refused, end_of
from rockqueue_conformance.sdk.proxy.rules import Refusal, refusal
from rockqueue_conformance.wire.errors import DOMAIN
from rockqueue_conformance.wire.methods import METHODS

if TYPE_CHECKING:
    from rockqueue_conformance.sdk.proxy.server import Proxy

Data = dict[str, Any]

NOTED_WITHIN_S = 0.2
PassOn = Callable[[Message], Awaitable[bytes]]

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class PushRelay:
    """A stream of one client, from its opening to its end.

    `make_call(request, pass_on)` plays one PushJobs: it notes the call, follows the rules, and passes it on when they
    let it. Raises Refused.
    """

    def __init__(
        self, proxy: Proxy, context: Any, make_call: Callable[[PushJobsRequest, PassOn], Awaitable[bytes]]
    ) -> None:
        self._proxy = proxy
        self._context = context
        self._make_call = make_call
        self._writing_up, self._writing_down = asyncio.Lock(), asyncio.Lock()
        self._last = 0
        self._waiting: dict[int, asyncio.Future[PushOutcome]] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._over: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()
        self._upstream: Any = None
        self._broken = False
        self._metadata: tuple[tuple[str, str | bytes], ...] = ()
        self._pumps: list[asyncio.Future[None]] = []

    async def run(self, metadata: tuple[tuple[str, str | bytes], ...]) -> Refusal | None:
        """Passes batches and outcomes until one side ends it; the status for the client, None for OK."""
        self._metadata = metadata
        self._start_pump(self._up())
        try:
            return await self._over
        finally:
            tasks = [*self._pumps, *self._calls]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._upstream is not None:
                self._upstream.cancel()

    def _start_pump(self, pumping: Coroutine[Any, Any, None]) -> None:
        pump = asyncio.ensure_future(pumping)
        pump.add_done_callback(self._pump_ended)
        self._pumps.append(pump)

    def _pump_ended(self, pump: asyncio.Future[None]) -> None:
        if not pump.cancelled() and pump.exception() is not None:
            self._end(refusal("UNAVAILABLE"))

    def _end(self, outcome: Refusal | None) -> None:
        if not self._over.done():
            self._over.set_result(outcome)

    # ---- client to server -----------------------------------------------------------------------------------------

    async def _up(self) -> None:
        while (data := await self._context.read()) is not grpc.aio.EOF:
            message = StreamPushesRequest.FromString(cast(bytes, data))
            # A task begins before the next message is read: what no rule holds up keeps its order.
            call = asyncio.ensure_future(self._play(message))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            await asyncio.sleep(0)
        while self._calls:
            await asyncio.wait(self._calls)
        if self._upstream is None:
            self._end(None)
        else:
            await self._upstream.done_writing()

    async def _play(self, message: StreamPushesRequest) -> None:
        outcome = PushOutcome(sequence=message.sequence)
        try:
            reply = await self._make_call(message.batch, self._pass_on)
            outcome.answer.CopyFrom(PushJobsResponse.FromString(reply))
        except Refused as refused:
            if self._broken:
                return
            outcome.failure.CopyFrom(_entry_status(refused.refusal))
        async with self._writing_down:
            with contextlib.suppress(grpc.aio.UsageError, asyncio.InvalidStateError):
                await self._context.write(StreamPushesResponse(outcomes=[outcome]).SerializeToString())

    async def _pass_on(self, request: Message) -> bytes:
        if self._upstream is None:
            # Not before there is a batch: one that finds no server has to be noted all the same.
            path = METHODS["JobService.StreamPushes"].path
            self._upstream = cast(Any, self._proxy.channel().stream_stream(path))(metadata=self._metadata)
            self._start_pump(self._down())
        self._last += 1
        sequence = self._last
        waiting = self._waiting[sequence] = asyncio.get_running_loop().create_future()
        message = StreamPushesRequest(sequence=sequence, batch=cast(PushJobsRequest, request))
        async with self._writing_up:
            with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await self._upstream.write(message.SerializeToString())
        outcome = await waiting
        if outcome.HasField("failure"):
            raise Refused(_refusal_of(outcome.failure))
        return outcome.answer.SerializeToString()

    # ---- server to client -----------------------------------------------------------------------------------------

    async def _down(self) -> None:
        with contextlib.suppress(grpc.aio.AioRpcError):
            while (data := await self._upstream.read()) is not grpc.aio.EOF:
                for outcome in StreamPushesResponse.FromString(cast(bytes, data)).outcomes:
                    self._waiting.pop(outcome.sequence).set_result(outcome)
        code = await self._upstream.code()
        if code is grpc.StatusCode.OK:
            self._end(None)
            return
        end = await end_of(self._upstream)
        # Noted as calls that ended so; the client learns it from the end of its stream.
        self._broken = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Refused(end))
        if self._calls:
            # Those that a script holds up do not end by this.
            await asyncio.wait(self._calls, timeout=NOTED_WITHIN_S)
        self._end(end)


def _entry_status(wanted: Refusal) -> EntryStatus:
    """A status as the entry of a batch has it."""
    entry = EntryStatus(code=int(cast(Any, wanted.code.value)[0]), message=wanted.message)
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status_pb2.Status.FromString(wanted.details).details:
        if detail.Unpack(info):
            entry.reason = info.reason
            entry.metadata.update(info.metadata)
        elif detail.Unpack(bad):
            for one in bad.field_violations:
                entry.violations.add(field=one.field, description=one.description)
        elif detail.Unpack(retry):
            entry.retry_delay.CopyFrom(retry.retry_delay)
    return entry


def _refusal_of(entry: EntryStatus) -> Refusal:
    """The entry of a batch as a status."""
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=entry.reason, domain=DOMAIN, metadata=entry.metadata)]
    if entry.HasField("retry_delay"):
        details.append(error_details_pb2.RetryInfo(retry_delay=entry.retry_delay))
    if entry.violations:
        bad = error_details_pb2.BadRequest()
        for one in entry.violations:
            bad.field_violations.add(field=one.field, description=one.description)
        details.append(bad)
    return Refusal.with_details(_CODES[entry.code], entry.message, details)
