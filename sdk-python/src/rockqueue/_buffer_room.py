"""The bound on what waits to be pushed: who finds no room waits in line, in any thread."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future

BUFFER_JOBS = 10_000
BUFFER_BYTES = 16 * 1024 * 1024


class BufferRoom:
    """Counts jobs and bytes that are buffered or under way, and lets callers in first come, first served."""

    def __init__(self, max_jobs: int = BUFFER_JOBS, max_bytes: int = BUFFER_BYTES) -> None:
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._jobs = 0
        self._bytes = 0
        self._line: deque[tuple[int, Future[None]]] = deque()

    def take(self, size: int) -> Future[None] | None:
        """Takes room for one job; None when it was there, else a future to wait for. Cancel it to leave the line."""
        with self._lock:
            if not self._line and self._fits(size):
                self._jobs += 1
                self._bytes += size
                return None
            turn = Future[None]()
            self._line.append((size, turn))
            return turn

    async def wait(self, turn: Future[None], size: int) -> None:
        """Waits in line on the caller's loop."""
        try:
            await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if not turn.cancel():
                self.give_back(1, size)
            raise

    def wait_blocking(self, turn: Future[None], size: int) -> None:
        """Waits in line in a thread without a loop."""
        try:
            turn.result()
        except KeyboardInterrupt:
            if not turn.cancel():
                self.give_back(1, size)
            raise

    def give_back(self, jobs: int, size: int) -> None:
        """Frees room and lets in who now fits."""
        admitted: list[Future[None]] = []
        with self._lock:
            self._jobs -= jobs
            self._bytes -= size
            while self._line and self._fits(self._line[0][0]):
                wanted, turn = self._line.popleft()
                if turn.set_running_or_notify_cancel():
                    self._jobs += 1
                    self._bytes += wanted
                    admitted.append(turn)
        for turn in admitted:
            turn.set_result(None)

    def _fits(self, size: int) -> bool:
        # A job larger than the whole buffer may enter an empty one; the server judges its size.
        return self._jobs == 0 or (self._jobs < self._max_jobs and self._bytes + size <= self._max_bytes)
