"""Reads the events: by cursor, from memory while they are fresh, from disk after that; and lets go of the old ones."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from rockqueue_server.contract import limits
from rockqueue_server.feed.records import commit_time_us, event_key

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

KEEP_US = limits.DAY_US
KEEP_BYTES = 1 << 30
FRESH_BYTES = 8 << 20
_LOOK_EVERY_US = 60 * limits.SECOND_US
_PAGE = 256
_DROP_STEP = 2000
_NOTE_KEY = b"events"
"""In column `meta`: up to which commit events were dropped, and how many bytes are kept."""


class Feed:
    """The events of all commits, in order. Watchers read at their own pace; nothing waits for them.

    `published` is the last commit whose events are on disk: later ones are not shown, because a power cut could take
    them back.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fresh: deque[tuple[int, bytes]] = deque()
        self._fresh_bytes = 0
        self._kept_bytes = 0
        self._noted_bytes = 0
        self.published = engine.written
        self.gone = 0
        """Events up to this commit were let go of."""
        self._watchers: set[asyncio.Event] = set()

    def start(self) -> None:
        """Finds what is kept on disk."""
        stored = self._engine.columns.meta.get(_NOTE_KEY)
        self.gone, self._kept_bytes = (
            (int.from_bytes(stored[:8], "big"), int.from_bytes(stored[8:], "big")) if stored else (0, 0)
        )
        self.published = self._engine.durable
        self._engine.alarms.set(self._engine.clock.now_us() + _LOOK_EVERY_US, self._let_go, lazy=True)

    def written(self, commit: int, value: bytes) -> None:
        """The events of a commit that was written; watchers see them once it is on disk."""
        self._fresh.append((commit, value))
        self._fresh_bytes += len(value)
        self._kept_bytes += len(value)
        while self._fresh_bytes > FRESH_BYTES and self._fresh[0][0] <= self.published:
            self._fresh_bytes -= len(self._fresh.popleft()[1])

    def publish(self, commit: int) -> None:
        """Commits up to this one are on disk."""
        self.published = commit
        for watcher in self._watchers:
            watcher.set()

    def watcher(self) -> asyncio.Event:
        """An event that is set whenever there may be more to read. Give it back with `leave`."""
        watcher = asyncio.Event()
        self._watchers.add(watcher)
        return watcher

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def leave(self, watcher: asyncio.Event) -> None:
        """The watcher has gone."""
        self._watchers.discard(watcher)

    def wake_all(self) -> None:
        """Lets every watcher look, so that it notices that the server stops."""
        for watcher in self._watchers:
            watcher.set()

    def read(self, after: int) -> list[tuple[int, bytes]]:
        """The next commits with events after commit `after`, published ones only; empty when there are none yet."""
        fresh = self._fresh
        if fresh and after >= fresh[0][0] - 1:
            return self._read_fresh(after)
        rows = self._engine.columns.events.scan(event_key(after + 1), event_key(self.published + 1), _PAGE)
        return [(int.from_bytes(key, "big"), value) for key, value in rows]

    def _read_fresh(self, after: int) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        # From the newest back: a watcher that keeps up is near the end.
        for commit, value in reversed(self._fresh):
            if commit <= after:
                break
            if commit <= self.published:
                found.append((commit, value))
        found.reverse()
        return found[:_PAGE]

    def _let_go(self) -> None:
        """Drops what is older than a day, or the oldest when too much is kept; a bounded number at a time."""
        engine = self._engine
        now_us = engine.clock.now_us()
        rows = engine.columns.events.scan(event_key(self.gone + 1), event_key(self.published + 1), _DROP_STEP)
        kept_bytes, last = self._kept_bytes, self.gone
        commit = engine.commit(now_us)
        for key, value in rows:
            if commit_time_us(value) > now_us - KEEP_US and kept_bytes <= KEEP_BYTES:
                break
            commit.delete(key, engine.columns.events_h)
            kept_bytes -= len(value)
            last = int.from_bytes(key, "big")
        dropped = last > self.gone
        if dropped or abs(kept_bytes - self._noted_bytes) > FRESH_BYTES:
            noted = last.to_bytes(8, "big") + max(0, kept_bytes).to_bytes(8, "big")
            commit.put(_NOTE_KEY, noted, engine.columns.meta_h)
            commit.write()
            self.gone, self._kept_bytes, self._noted_bytes = last, kept_bytes, kept_bytes
            while self._fresh and self._fresh[0][0] <= last:
                self._fresh_bytes -= len(self._fresh.popleft()[1])
        more = dropped and len(rows) == _DROP_STEP
        engine.alarms.set(now_us if more else now_us + _LOOK_EVERY_US, self._let_go, lazy=True)
