"""One `WatchEvents` stream: the events that came and are not yet expected, and the cursor reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc.aio

from rockqueue_conformance.wire.connection import Connection
from rockqueue_conformance.wire.convert import from_data, to_data
from rockqueue_conformance.wire.errors import CallError, read_error
from rockqueue_conformance.wire.inbox import Inbox
from rockqueue_conformance.wire.methods import METHODS

_WATCH = METHODS["EventService.WatchEvents"]

Data = dict[str, Any]


class Watch(Inbox):
    """A stream of events and its inbox. `flaws` holds what no watch may ever show: a repeated cursor."""

    def __init__(self, connection: Connection, request: Data, on_message: Callable[[str, Data], None]) -> None:
        super().__init__()
        self.request = request
        self._on_message = on_message
        self._call = connection.read_stream(_WATCH, from_data(_WATCH.request, request))
        self.events: list[Data] = []
        self.responses = 0
        self.checkpoints = 0
        self.cursor = ""
        self.flaws: list[str] = []
        self._seen: set[str] = set()
        self._reader = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Ends the watch from this side."""
        self._call.cancel()
        await self._reader

    async def _read(self) -> None:
        end = CallError("OK")
        try:
            async for message in self._call:
                await self._take(to_data(message))
        except grpc.aio.AioRpcError as error:
            end = read_error(error)
        except asyncio.CancelledError:
            end = CallError("CANCELLED")
        async with self._changed:
            self.end = end
            self._changed.notify_all()

    async def _take(self, response: Data) -> None:
        self._on_message("<-", {"watch": response})
        async with self._changed:
            self.responses += 1
            self.checkpoints += not response["events"]
            self.cursor = response["cursor"]
            if not self.cursor:
                self.flaws.append("a response came without a cursor")
            for event in response["events"]:
                if event["cursor"] in self._seen:
                    self.flaws.append(f"the cursor {event['cursor']} came twice")
                self._seen.add(event["cursor"])
                self.events.append(event)
            if self.responses == 1 and response["events"]:
                self.flaws.append("the first response is not a checkpoint")
            self._changed.notify_all()
