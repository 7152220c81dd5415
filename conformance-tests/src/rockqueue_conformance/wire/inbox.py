"""What the streams of a case have in common: something changes, and steps wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rockqueue_conformance.wire.errors import CallError


class Inbox:
    """A stream's receiving side. Whoever changes it holds `_changed` and notifies."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self.end: CallError | None = None

    async def wait(self, done: Callable[[], bool], within_s: float) -> bool:
        """Waits until something is true of the inbox, the stream has ended, or the time is up; tells if it is true."""
        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(lambda: done() or self.end is not None)
        except TimeoutError:
            pass
        return done()
