"""One `Work` stream as the runner's raw worker holds it: what came, what is held, what was granted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import grpc.aio

from rockqueue_conformance.wire.connection import Connection
from rockqueue_conformance.wire.convert import from_data
from rockqueue_conformance.wire.inbox import Data, Inbox
from rockqueue_conformance.wire.methods import METHODS

_WORK = METHODS["WorkService.Work"]


class WorkStream(Inbox):
    """A stream and its inbox. Every received message is sorted by kind; nothing is dropped."""

    def __init__(self, connection: Connection, on_message: Callable[[str, Data], None]) -> None:
        super().__init__("work", connection.open_stream(_WORK), on_message)
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
        await self.send_raw(from_data(_WORK.request, message))

    async def send_raw(self, frame: Any) -> None:
        """Writes a message, or bytes that need not be one."""
        try:
            await self._call.write(frame)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
            return

    async def half_close(self) -> None:
        """Ends the sending side and leaves the receiving side open."""
        await self._call.done_writing()

    async def snap(self) -> None:
        """Breaks the stream without a goodbye."""
        self.broken = True
        await self.cancel()

    async def hang_up(self) -> None:
        """Waits a moment for the server's drain and cuts the stream, to be resumed later."""
        await self.wait(lambda: self.draining, 1.0)
        await self.cancel()

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    def _take(self, message: Data) -> None:
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

    def _settle(self, results: Data) -> None:
        """Keeps the results, and lets go of the deliveries that are over."""
        sequence = int(results["sequence"])
        self.settled[sequence] = results
        kept = {int(failure["index"]) for failure in results["failures"] if failure["status"]["reason"] != "LEASE_LOST"}
        asked = self.unanswered.pop(sequence, {"settlements": {"settlements": []}})
        for index, settlement in enumerate(asked["settlements"]["settlements"]):
            if index not in kept:
                self.held.pop(settlement.get("lease_token", ""), None)
