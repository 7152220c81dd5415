"""One commit: the changes of one operation, with its counters, events and number, written together or not at all.

An operation decides against memory, fills a commit, calls `write`, and changes memory only after that; so a write that
fails leaves memory as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rockqueue_server.engine.groups.changes import GroupChanges
from rockqueue_server.engine.queue_state import QueueState
from rockqueue_server.engine.records import Holder, pack_counts
from rockqueue_server.feed.records import EventRecorder, event_key
from rockqueue_server.rules.keys import delayed_key, timer_key
from rockqueue_server.store.opening import COMMIT_KEY, COMMIT_VALUE

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.flows.changes import FlowChanges
    from rockqueue_server.engine.schedule_changes import ScheduleChanges

TIMER_EXPIRE = 1
TIMER_PURGE = 2
TIMER_UNIQUE = 3
TIMER_FORGET = 4
TIMER_FLOW = 6

_FORGET_CHUNK = 1000


class Commit:
    """Changes that are about to be made at `now_us`."""

    __slots__ = (
        "_after", "_counts", "_delayed", "_engine", "_groups", "_purges", "_ready", "_ready_runs", "_remembered",
        "_taken_out", "_timer_us", "batch", "delete", "event", "events", "flow", "new_queues", "now_us", "number",
        "pushed", "pushed_bytes", "put", "schedules", "uniques",
    )  # fmt: skip

    def __init__(self, engine: Engine, now_us: int) -> None:
        self._engine = engine
        self.now_us = now_us
        self.number = engine.written + 1
        self.batch = engine.store.batch()
        self.put = self.batch.put
        self.delete = self.batch.delete
        self.events = EventRecorder()
        self.event = self.events.add
        self.new_queues: dict[QueueState, None] = {}
        """Queues that this commit makes."""
        self.uniques: dict[bytes, Holder | None] = {}
        """Unique keys as this commit leaves them."""
        self.pushed: dict[QueueState, int] = {}
        """Jobs that this commit stores, by queue."""
        self.pushed_bytes: dict[QueueState, int] = {}
        """By how many bytes it makes queues larger that way."""
        self.flow: FlowChanges | None = None
        """What it does to flows."""
        self.schedules: ScheduleChanges | None = None
        """What this commit does to schedules, if anything."""
        self._counts: dict[QueueState, list[int]] = {}
        self._ready: list[tuple[QueueState, bytes, bool]] = []
        self._ready_runs: list[tuple[QueueState, list[bytes]]] = []
        self._taken_out: list[tuple[QueueState, bytes]] = []
        self._delayed: list[tuple[QueueState, int]] = []
        self._purges: dict[int, list[bytes]] = {}
        self._remembered: dict[int, list[bytes]] = {}
        self._groups: GroupChanges | None = None
        self._timer_us = 0
        self._after: list[Callable[[], object]] = []

    def stores(self, queue: QueueState, jobs: int, size: int) -> None:
        """Notes new jobs, whose specs have `size` bytes together."""
        self.pushed[queue] = self.pushed.get(queue, 0) + jobs
        self.pushed_bytes[queue] = self.pushed_bytes.get(queue, 0) + size

    def deltas(self, queue: QueueState) -> list[int]:
        """Changes to a queue's counters, to be added to: BACKLOG_BYTES, and jobs by number of state."""
        deltas = self._counts.get(queue)
        if deltas is None:
            deltas = self._counts[queue] = [0] * 8
        return deltas

    @property
    def groups(self) -> GroupChanges:
        """What this commit changes in groups."""
        if self._groups is None:
            self._groups = GroupChanges(self._engine, self)
        return self._groups

    def add_ready(self, queue: QueueState, key: bytes, *, touched: bool) -> None:
        """Puts a job among those that wait, in its group if it has one. `key` is its `ready_key`."""
        if queue.groups is not None and self.groups.add_ready(queue, key, touched=touched):
            return
        self.put(key, b"\x01" if touched else b"", self._engine.columns.ready_h)
        self._ready.append((queue, key, touched))

    def add_ready_run(self, queue: QueueState, ready: list[bytes]) -> None:
        """Puts many new jobs among those that wait; their keys grow."""
        put, handle = self.put, self._engine.columns.ready_h
        for key in ready:
            put(key, b"", handle)
        self._ready_runs.append((queue, ready))

    def remove_ready(self, queue: QueueState, key: bytes) -> None:
        """Takes a job that was not delivered from those that wait."""
        if queue.groups is not None and self.groups.remove_ready(queue, key):
            return
        self.delete(key, self._engine.columns.ready_h)
        self._taken_out.append((queue, key))

    def add_delayed(self, queue: QueueState, due_us: int, job_id: bytes, *, touched: bool) -> None:
        """Puts a job among those whose time has not come."""
        self.put(delayed_key(queue.number, due_us, job_id), b"\x01" if touched else b"", self._engine.columns.delayed_h)
        self._delayed.append((queue, due_us))

    def purge_at(self, due_us: int, done_keys: list[bytes]) -> None:
        """The finished jobs behind `done_keys` are to be forgotten at `due_us`."""
        self._purges.setdefault(due_us, []).extend(done_keys)

    def remember(self, key: bytes, value: bytes, until_us: int) -> None:
        """Keeps an answer in column `dedup` until `until_us`. `key` has 16 bytes."""
        self.put(key, value, self._engine.columns.dedup_h)
        self._remembered.setdefault(until_us, []).append(key)

    def timer(self, due_us: int, kind: int, rest: bytes, value: bytes) -> None:
        """Something to be done at `due_us`, also after a restart."""
        self.put(timer_key(due_us, kind, rest), value, self._engine.columns.timers_h)
        if not self._timer_us or due_us < self._timer_us:
            self._timer_us = due_us

    def after(self, action: Callable[[], object]) -> None:
        """A change of memory, made once the commit is written."""
        self._after.append(action)

    def write(self) -> None:
        """Writes everything; raises StorageFull or ServiceError, and then nothing in memory has changed."""
        if self.schedules is not None:
            self.schedules.close()
        # Schedules may have cancelled jobs that others wait for.
        if self.flow is not None:
            self.flow.close()
        columns = self._engine.columns
        if self._groups is not None:
            self._groups.write()
        number = self.number.to_bytes(8, "big")
        for due_us, done_keys in self._purges.items():
            for at in range(0, len(done_keys), _FORGET_CHUNK):
                rest = number + at.to_bytes(4, "big")
                self.timer(due_us, TIMER_PURGE, rest, b"".join(done_keys[at : at + _FORGET_CHUNK]))
        for due_us, remembered in self._remembered.items():
            self.timer(due_us, TIMER_FORGET, number, b"".join(remembered))
        for queue, deltas in self._counts.items():
            counts = [count + delta for count, delta in zip(queue.counts, deltas, strict=True)]
            self.put(counts_key(queue.number), pack_counts(counts), columns.meta_h)
        value = b""
        if self.events.count:
            value = self.events.pack(self.now_us)
            self.put(event_key(self.number), value, columns.events_h)
        self.put(COMMIT_KEY, COMMIT_VALUE.pack(self.number, self.now_us), columns.meta_h)
        self._engine.write(self)
        self._apply(value)

    def _apply(self, events: bytes) -> None:
        engine = self._engine
        self._apply_to_queues()
        for queue, due_us in self._delayed:
            engine.timers.delayed_by(queue, due_us)
        if events:
            engine.feed.written(self.number, events)
            engine.stats.events += self.events.count
        if self._timer_us:
            engine.timers.ring_by(self._timer_us)
        for action in self._after:
            action()

    def _apply_to_queues(self) -> None:
        for queue, deltas in self._counts.items():
            queue.counts = [count + delta for count, delta in zip(queue.counts, deltas, strict=True)]
        for queue, count in self.pushed.items():
            queue.stats.pushed += count
        for queue, key in self._taken_out:
            queue.window.remove(key)
        dirty = self._engine.dispatcher.dirty
        for queue, key, touched in self._ready:
            queue.window.add(key, touched=touched)
            dirty[queue] = None
        for queue, ready in self._ready_runs:
            queue.window.add_run(ready)
            dirty[queue] = None
        if self._groups is not None:
            self._groups.apply()


def counts_key(queue: int) -> bytes:
    """Key of a queue's counters in column `meta`."""
    return b"c" + queue.to_bytes(4, "big")


def queue_key(queue: int) -> bytes:
    """Key of a queue's name and settings in column `meta`."""
    return b"q" + queue.to_bytes(4, "big")
