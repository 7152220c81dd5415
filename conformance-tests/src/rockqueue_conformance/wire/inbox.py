"""What the streams of a case have in common: messages come, something changes, and steps wait for it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import grpc.aio

from rockqueue_conformance.wire.convert import to_data
from rockqueue_conformance.wire.errors import CallError, read_error

Data = dict[str, Any]


class Inbox(ABC):
    """A stream's receiving side: reads `call` to its end. `kind` is what its messages are called in reports."""

    def __init__(self, kind: str, call: Any, on_message: Callable[[str, Data], None]) -> None:
        self.end: CallError | None = None
        self._kind = kind
        self._call = call
        self._on_message = on_message
        self._changed = asyncio.Condition()
        self._reading = asyncio.Event()
        self._reading.set()
        self._reader = asyncio.create_task(self._read())

    @abstractmethod
    def _take(self, message: Data) -> None:
        """Keeps what a message says."""

    async def wait(self, done: Callable[[], bool], within_s: float) -> bool:
        """Waits until something is true of the inbox, the stream has ended, or the time is up; tells if it is true."""
        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(lambda: done() or self.end is not None)
        except TimeoutError:
            pass
        return done()

    def stop_reading(self) -> None:
        """Takes one message more at most, so that the rest piles up on the way, until `read_on`."""
        self._reading.clear()

    def read_on(self) -> None:
        """Goes on with what has piled up."""
        self._reading.set()

    async def cancel(self) -> None:
        """Ends the stream from this side, without a word."""
        self._call.cancel()
        self.read_on()
        await self._reader

    async def _next(self) -> Any:
        await self._reading.wait()
        return await self._call.read()

    async def _read(self) -> None:
        end = CallError("OK")
        try:
            while (message := await self._next()) is not grpc.aio.EOF:
                data = to_data(message)
                self._on_message("<-", {self._kind: data})
                async with self._changed:
                    self._take(data)
                    self._changed.notify_all()
        except grpc.aio.AioRpcError as error:
            end = read_error(error)
        except asyncio.CancelledError:
            end = CallError("CANCELLED")
        async with self._changed:
            self.end = end
            self._on_message("<-", {f"{self._kind}_end": end.to_data()})
            self._changed.notify_all()
