"""Reading events no faster than the runner asks for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import rockqueue


class EventReader:
    """Takes no more events from the SDK than were asked for; one that came too late is kept for the next command."""

    def __init__(self, stream: Any, call: Callable[..., Any]) -> None:
        self.stream = stream
        self._call = call
        self._taken: deque[rockqueue.Event] = deque()
        self._reading: asyncio.Task[None] | None = None

    async def read(self, count: int, timeout_s: float) -> list[rockqueue.Event]:
        """Up to so many events, within the time."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._take(count - len(self._taken)))
        done, _ = await asyncio.wait([self._reading], timeout=timeout_s)
        for task in done:
            task.result()
        return [self._taken.popleft() for _ in range(min(count, len(self._taken)))]

    async def _take(self, count: int) -> None:
        for _ in range(count):
            step = self.stream.__anext__ if hasattr(self.stream, "__anext__") else self.stream.__next__
            self._taken.append(await self._call(step))

    async def close(self) -> None:
        """Ends the stream."""
        if self._reading is not None:
            self._reading.cancel()
        await self._call(getattr(self.stream, "aclose", None) or self.stream.close)
