"""Admission of new work: refuses pushes when too much waits to be written, the disk is nearly full, or when draining.

Settlements, heartbeats and deletions never come here: what drains the queue is never held up.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rockqueue_server.errors import overloaded, shutting_down, storage_full
from rockqueue_server.store.base import Store

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

MOST_BYTES = 64 << 20
_LOOK_EVERY_S = 0.1
_LOOK_EVERY_BYTES = 2 << 20


class Intake:
    """Decides whether a push may come in. `min_free_bytes` of the disk are kept for what drains the queue."""

    def __init__(self, engine: Engine, store: Store, min_free_bytes: int) -> None:
        self._engine = engine
        self._store = store
        self._min_free_bytes = min_free_bytes
        self._waiting_bytes = 0
        self._looked_at = 0.0
        self._since_look_bytes = 0
        self._full = False
        self.closed = False

    def admit(self, size_bytes: int) -> None:
        """Takes in `size_bytes`, or raises SHUTTING_DOWN, STORAGE_FULL or OVERLOADED. Give them back with `release`."""
        if self.closed:
            raise shutting_down()
        if self._disk_full():
            raise storage_full()
        if self._waiting_bytes + size_bytes > MOST_BYTES:
            raise overloaded(f"pushes of {self._waiting_bytes} bytes wait to be written: push more slowly")
        self._waiting_bytes += size_bytes
        self._since_look_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """The push is answered."""
        self._waiting_bytes -= size_bytes

    def check_open(self) -> None:
        """Raises SHUTTING_DOWN for changes that are no longer taken."""
        if self.closed:
            raise shutting_down()

    def has_room(self) -> bool:
        """Whether the disk takes new jobs."""
        return not self._disk_full()

    def check_disk(self) -> None:
        """Raises STORAGE_FULL."""
        if self._disk_full():
            raise storage_full()

    def _disk_full(self) -> bool:
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_EVERY_S or self._since_look_bytes >= _LOOK_EVERY_BYTES:
            self._looked_at = now
            self._since_look_bytes = 0
            self._full = self._store.free_bytes() < self._min_free_bytes
        return self._full
