"""One `Work` stream as the runner's raw worker holds it: what came, what is held, what was granted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import grpc
import grpc.aio

from rockqueue_conformance.wire.connection import Connection
from rockqueue_conformance.wire.convert import from_data, to_data
from rockqueue_conformance.wire.errors import CallError, read_error
from rockqueue_conformance.wire.inbox import Inbox
from rockqueue_conformance.wire.methods import METHODS

_WORK = METHODS["WorkService.Work"]

Data = dict[str, Any]


class WorkStream(Inbox):
    """A stream and its inbox. Every received message is sorted by kind; nothing is dropped."""

    def __init__(self, connection: Connection, on_message: Callable[[str, Data], None]) -> None:
        super().__init__()
        self._call = connection.open_stream(_WORK)
        self._on_message = on_message
        self._reader = asyncio.create_task(self._read())
        self.open_message: Data = {}
        self.opened: Data | None = None
        self.deliveries: list[Data] = []
        self.cancels: list[Data] = []
        self.settled: dict[int, Data] = {}
        self.heartbeats: set[int] = set()
        self.draining = False
        self.held: dict[str, Data] = {}
        self.credits = 0
        self.sequence = 0
        self.broken = False
        self.unanswered: dict[int, Data] = {}

    async def send(self, message: Data) -> None:
        """Writes one WorkRequest; a stream that has ended takes no more, which `end` tells."""
        self.credits += int(message.get("credits", {}).get("credits", 0))
        if (settlements := message.get("settlements")) is not None:
            self.credits += int(settlements.get("credits", 0))
            self.unanswered[int(settlements["sequence"])] = message
        if (heartbeat := message.get("heartbeat")) is not None:
            self.unanswered[int(heartbeat["sequence"])] = message
        self._on_message("->", {"work": message})
        await self._write(from_data(_WORK.request, message))

    async def send_raw(self, frame: bytes) -> None:
        """Writes bytes that need not be a WorkRequest."""
        await self._write(frame)

    async def _write(self, message: Any) -> None:
        try:
            await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
            return

    async def half_close(self) -> None:
        """Ends the sending side and leaves the receiving side open."""
        await self._call.done_writing()

    async def snap(self) -> None:
        """Breaks the stream without a goodbye."""
        self.broken = True
        self._call.cancel()
        await self._reader

    async def hang_up(self) -> None:
        """Waits a moment for the server's drain and cuts the stream, to be resumed later."""
        await self.wait(lambda: self.draining, 1.0)
        self._call.cancel()
        await self._reader

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    async def _read(self) -> None:
        end = CallError("OK")
        try:
            while True:
                message = await self._call.read()
                if message is grpc.aio.EOF:
                    break
                await self._take(to_data(message))
        except grpc.aio.AioRpcError as error:
            end = read_error(error)
        except asyncio.CancelledError:
            end = CallError("CANCELLED")
        async with self._changed:
            self.end = end
            self._on_message("<-", {"work_end": end.to_data()})
            self._changed.notify_all()

    async def _take(self, message: Data) -> None:
        self._on_message("<-", {"work": message})
        async with self._changed:
            if "opened" in message:
                self.opened = cast(Data, message["opened"])
            for delivery in cast(list[Data], message.get("deliveries", {}).get("deliveries", [])):
                self.deliveries.append(delivery)
                self.held[delivery["lease_token"]] = delivery
                self.credits -= 1
            self.cancels.extend(message.get("cancels", {}).get("cancels", []))
            if "settled" in message:
                self._settle(message["settled"])
            if "heartbeat" in message:
                self.heartbeats.add(int(message["heartbeat"]["sequence"]))
                self.unanswered.pop(int(message["heartbeat"]["sequence"]), None)
            self.draining = self.draining or "drain" in message
            self._changed.notify_all()

    def _settle(self, results: Data) -> None:
        """Keeps the results, and lets go of the deliveries that are over."""
        sequence = int(results["sequence"])
        self.settled[sequence] = results
        kept = {int(failure["index"]) for failure in results["failures"] if failure["status"]["reason"] != "LEASE_LOST"}
        asked = self.unanswered.pop(sequence, {"settlements": {"settlements": []}})
        for index, settlement in enumerate(asked["settlements"]["settlements"]):
            if index not in kept:
                self.held.pop(settlement.get("lease_token", ""), None)
