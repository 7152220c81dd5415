"""How a worker fares, as its heartbeats tell: how late its loop is, and which handlers do not end."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass

TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class Health:
    """What a heartbeat tells: seconds by which the loop was late at most, and the leases of handlers that are stuck."""

    loop_lag_s: float
    stuck_leases: list[bytes]


class LoopWatch:
    """Measures how late a loop runs what is due: a tick, again and again.

    It is made on that loop, and asked from another thread: a loop that is blocked cannot answer for itself.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._worst_s = 0.0
        self._due = time.monotonic() + TICK_S
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._worst_s = max(self._worst_s, now - self._due)
            self._due = now + TICK_S
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def take_lag_s(self) -> float:
        """By how much the loop was late at most since the last call; from any thread."""
        with self._lock:
            worst, self._worst_s = self._worst_s, 0.0
            # A tick that is overdue now is at least so late, and has not been counted yet.
            return max(worst, time.monotonic() - self._due, 0.0)

    def stop(self) -> None:
        """Ends the ticks; on the loop."""
        self._timer.cancel()
