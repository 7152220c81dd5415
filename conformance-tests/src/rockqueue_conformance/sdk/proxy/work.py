"""One `Work` stream through the proxy: both directions noted, changed and broken as the script says."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, cast

import grpc
import grpc.aio

from rockqueue.v1.work_service_pb2 import WorkRequest, WorkResponse
from rockqueue_conformance.sdk.proxy.records import EndRecord, FrameRecord
from rockqueue_conformance.sdk.proxy.refusals import end_of
from rockqueue_conformance.sdk.proxy.rules import Refusal, changed, refusal, wait_as_told
from rockqueue_conformance.wire.convert import from_data
from rockqueue_conformance.wire.methods import METHODS

if TYPE_CHECKING:
    from rockqueue_conformance.sdk.proxy.server import Proxy

Data = dict[str, Any]


class WorkRelay:
    """A stream of one worker, from its opening to its end."""

    def __init__(self, number: int, proxy: Proxy, context: Any) -> None:
        self.number = number
        self.worker = ""
        self._proxy = proxy
        self._context = context
        self._call: Any = None
        self._over: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()
        self._writing = asyncio.Lock()
        self._ended_by = ""

    def end(self, outcome: Refusal | None, by: str) -> None:
        """Ends the stream for the worker; the server sees it broken off."""
        if not self._over.done():
            self._ended_by = by
            self._over.set_result(outcome)

    def note_end(self, code: str) -> None:
        """Notes that it is over."""
        records = self._proxy.records
        records.frames.append(EndRecord(self.number, self.worker, self._ended_by or "client", code, records.now()))
        self._proxy.judge.ended(self.number)

    async def run(self, metadata: tuple[tuple[str, str | bytes], ...]) -> Refusal | None:
        """Passes messages until one side ends it; the status for the worker, None for OK."""
        if self._over.done():
            return self._over.result()
        path = METHODS["WorkService.Work"].path
        self._call = cast(Any, self._proxy.channel().stream_stream(path))(metadata=metadata)
        pumps = [asyncio.ensure_future(self._up()), asyncio.ensure_future(self._down())]
        for pump in pumps:
            pump.add_done_callback(self._pump_ended)
        try:
            return await self._over
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._call.cancel()

    def _pump_ended(self, pump: asyncio.Task[None]) -> None:
        if not pump.cancelled() and pump.exception() is not None:
            self.end(refusal("UNAVAILABLE"), by="proxy")

    # ---- worker to server -----------------------------------------------------------------------------------------

    async def _up(self) -> None:
        while (data := await self._context.read()) is not grpc.aio.EOF:
            for message in self._proxy.distortion.client_message(self.number, WorkRequest.FromString(data)):
                await self._pass_up(message)
        await self._call.done_writing()

    async def _pass_up(self, message: WorkRequest) -> None:
        kind = message.WhichOneof("message") or ""
        if kind == "open":
            self.worker = message.open.worker
        self._note("client", message)
        self._proxy.judge.client_message(self.number, self.worker, message)
        what = self._proxy.rules.find("Work", message, f"client {kind}", self.number)
        await wait_as_told(what)
        if "fail" in what:
            self.end(refusal(what["fail"]), by="script")
            return
        if "change" in what:
            message = cast(WorkRequest, changed(message, what["change"]))
        if "drop" not in what:
            with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await self._call.write(message.SerializeToString())
        if "say" in what:
            await self.say(what["say"])
        if "cut" in what:
            self.end(refusal("UNAVAILABLE"), by="script")

    # ---- server to worker -----------------------------------------------------------------------------------------

    async def _down(self) -> None:
        while True:
            try:
                data = await self._call.read()
            except grpc.aio.AioRpcError:
                data = grpc.aio.EOF
            if data is grpc.aio.EOF:
                break
            message = WorkResponse.FromString(cast(bytes, data))
            if await self._pass_down(message):
                return
        code = await self._call.code()
        if code is grpc.StatusCode.OK:
            self.end(None, by="server")
            return
        self.end(await end_of(self._call), by="server")

    async def _pass_down(self, message: WorkResponse) -> bool:
        """True when the stream is over."""
        kind = message.WhichOneof("message") or ""
        what = self._proxy.rules.find("Work", message, f"server {kind}", self.number)
        await wait_as_told(what)
        if "fail" in what or "cut" in what:
            self.end(refusal(what.get("fail", "UNAVAILABLE")), by="script")
            return True
        if "change" in what:
            message = cast(WorkResponse, changed(message, what["change"]))
        if "drop" not in what:
            await self._write(message)
        if "say" in what:
            await self.say(what["say"])
        return False

    async def say(self, data: Data) -> None:
        """Says something that the server did not say."""
        await self._write(cast(WorkResponse, from_data(WorkResponse, data)))

    async def _write(self, message: WorkResponse) -> None:
        async with self._writing:
            self._note("server", message)
            self._proxy.judge.server_message(self.number, message)
            await self._context.write(message.SerializeToString())

    def _note(self, sender: str, message: WorkRequest | WorkResponse) -> None:
        records = self._proxy.records
        records.frames.append(FrameRecord(self.number, self.worker, sender, message, records.now()))
