"""All queues by name and number, and the changes of their settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, queue_service_pb2
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine.commit import Commit, counts_key, queue_key
from rockqueue_server.engine.groups.records import pack_level, rate_key, unpack_level
from rockqueue_server.engine.groups.state import limit_of
from rockqueue_server.engine.queue_state import QueueState
from rockqueue_server.engine.records import unpack_counts
from rockqueue_server.feed.records import NO_JOB
from rockqueue_server.rules import keys
from rockqueue_server.rules.rate import FULL, fitted

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine


class QueueBook:
    """The queues. A queue's number never changes and is never given to another."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.by_name: dict[str, QueueState] = {}
        self.by_number: dict[int, QueueState] = {}
        self._next_number = 1

    def load(self) -> None:
        """Reads queues and counters; looks up the first delayed job of each, and no more."""
        columns = self._engine.columns
        for key, value in columns.meta.scan(b"q", b"r", 1 << 30):
            stored = queue_service_pb2.Queue.FromString(value)
            queue = self._make(stored.name, int.from_bytes(key[1:], "big"))
            queue.exists = True
            queue.paused = stored.paused and "pause_lost_on_restart" not in self._engine.defects
            queue.create_us = stored.create_time.ToMicroseconds()
            queue.apply_settings(stored.settings)
            counts = columns.meta.get(counts_key(queue.number))
            if counts is not None:
                queue.counts = unpack_counts(counts)
            level = columns.meta.get(rate_key(queue.number))
            if level is not None and "rate_refilled_by_restart" not in self._engine.defects:
                queue.level = unpack_level(level)
            if "counters_drift" in self._engine.defects:
                queue.counts[1] += 1

    def get(self, name: str) -> QueueState | None:
        """A queue that exists."""
        queue = self.by_name.get(name)
        return queue if queue is not None and queue.exists else None

    def expect(self, name: str) -> QueueState:
        """A queue, existing or only waited on."""
        return self.by_name.get(name) or self._make(name, self._next_number)

    def hold(self, names: Iterable[str]) -> list[QueueState]:
        """Queues that somebody waits on, existing or not. Give them back with `let_go`."""
        queues = [self.expect(name) for name in names]
        for queue in queues:
            queue.holders += 1
        return queues

    def let_go(self, queues: list[QueueState]) -> None:
        """Nobody waits on them on this account any more: a queue that never came into being is forgotten."""
        for queue in queues:
            queue.holders -= 1
            if not queue.holders and not queue.exists:
                self.by_name.pop(queue.name, None)
                self.by_number.pop(queue.number, None)
                self._engine.stats.queues.pop(queue.name, None)

    def ensure(self, commit: Commit, name: str) -> QueueState:
        """A queue that exists once the commit is written."""
        queue = self.expect(name)
        if not queue.exists and queue not in commit.new_queues:
            commit.new_queues[queue] = None
            queue.create_us = commit.now_us
            self.save(commit, queue, event_service_pb2.EVENT_TYPE_QUEUE_UPDATED)
        return queue

    def save(
        self,
        commit: Commit,
        queue: QueueState,
        event: int,
        *,
        settings: queue_service_pb2.QueueSettings | None = None,
        paused: bool | None = None,
    ) -> None:
        """Writes a queue, with new settings or paused or not; memory follows when the commit is written."""
        settings = queue.settings if settings is None else settings
        paused = queue.paused if paused is None else paused
        stored = queue_service_pb2.Queue(
            name=queue.name, settings=settings, paused=paused, create_time=timestamp(queue.create_us or commit.now_us)
        )
        commit.put(queue_key(queue.number), stored.SerializeToString(), self._engine.columns.meta_h)
        commit.event(event, 0, queue.number, 0, "", NO_JOB)
        level = queue.level
        if settings.HasField("rate"):
            level = fitted(limit_of(settings.rate), level, commit.now_us)
            commit.put(rate_key(queue.number), pack_level(level), self._engine.columns.meta_h)
        elif level is not FULL:
            level = FULL
            commit.delete(rate_key(queue.number), self._engine.columns.meta_h)

        def apply() -> None:
            queue.exists = True
            queue.create_us = stored.create_time.ToMicroseconds()
            queue.paused = paused
            queue.apply_settings(settings)
            queue.level = level
            if queue.groups is not None:
                queue.groups.all_changed()
            self._engine.dispatcher.dirty[queue] = None

        commit.after(apply)

    def show(self, queue: QueueState) -> queue_service_pb2.Queue:
        """The queue as callers see it."""
        counts = queue.counts
        shown = queue_service_pb2.Queue(
            name=queue.name,
            settings=queue.settings,
            paused=queue.paused,
            counts=queue_service_pb2.QueueCounts(
                waiting=counts[1], delayed=counts[2], active=counts[3], blocked=counts[4],
                completed=counts[5], dead=counts[6], cancelled=counts[7],
            ),
            create_time=timestamp(queue.create_us),
            workers=queue.workers,
            backlog_bytes=queue.backlog_bytes,
        )  # fmt: skip
        oldest_us = self.oldest_ready_us(queue)
        if oldest_us is not None:
            shown.oldest_ready_time.CopyFrom(timestamp(oldest_us))
        return shown

    def oldest_ready_us(self, queue: QueueState) -> int | None:
        """`ready_time` of the job that waits longest: the first of each priority is the oldest of it."""
        if not queue.waiting:
            return None
        oldest = queue.groups.oldest_ready_us() if queue.groups is not None else None
        ready = self._engine.columns.ready
        lower, end = keys.queue_range(queue.number)
        while rows := ready.scan(lower, end, 1):
            number, priority, ready_us, _ = keys.ready_parts(rows[0][0])
            oldest = ready_us if oldest is None else min(oldest, ready_us)
            lower = keys.ready_key(number, priority - 1, 0, b"") if priority > -(1 << 31) else end
        return oldest

    def _make(self, name: str, number: int) -> QueueState:
        queue = QueueState(name, number, self._engine.columns.ready)
        self.by_name[name] = queue
        self.by_number[number] = queue
        self._next_number = max(self._next_number, number + 1)
        self._engine.stats.queues[name] = queue.stats
        return queue
