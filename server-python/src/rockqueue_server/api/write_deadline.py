"""Cuts a stream whose client has stopped reading, so that it cannot hold messages in memory for ever.

`asyncio.wait_for` around each write would cost a task per message, so one timer per stream looks at when the write
under way has begun.
"""

from __future__ import annotations

import asyncio


class WriteDeadline:
    """Cancels `task` when a write takes longer than `limit_s` seconds; `expired` tells that from other cancellations.

    Call `begin` before and `end` after each write, and `close` when the stream is over.
    """

    __slots__ = ("_began", "_limit_s", "_loop", "_task", "_timer", "expired")

    def __init__(self, task: asyncio.Task[object], limit_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = task
        self._limit_s = limit_s
        self._began: float | None = None
        self._timer = self._loop.call_later(limit_s, self._look)
        self.expired = False

    def begin(self) -> None:
        """A write begins."""
        self._began = self._loop.time()

    def end(self) -> None:
        """The write is done."""
        self._began = None

    def close(self) -> None:
        """No more writes."""
        self._began = None
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        due = (now if self._began is None else self._began) + self._limit_s
        if due > now:
            self._timer = self._loop.call_at(due, self._look)
            return
        self.expired = True
        self._task.cancel()
