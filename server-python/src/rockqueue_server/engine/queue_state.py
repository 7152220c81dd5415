"""One queue in memory: its settings, its counters, and a window of the jobs that come next."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2, queue_service_pb2
from rockqueue_server.contract import limits, times
from rockqueue_server.engine.groups.state import limit_of
from rockqueue_server.engine.records import BACKLOG_BYTES
from rockqueue_server.engine.stats import QueueStats
from rockqueue_server.rules import keys
from rockqueue_server.rules.backoff import Backoff
from rockqueue_server.rules.rate import FULL, Level

if TYPE_CHECKING:
    from rockqueue_server.engine.groups.selection import Groups
    from rockqueue_server.engine.takers import Taker
    from rockqueue_server.store.base import Column

WINDOW = 4096
"""How many of the next jobs of a queue are in memory at most, give or take a factor of two."""


class ReadyWindow:
    """The ready keys of a queue up to `high`; what lies beyond is on disk only.

    `high` is None while every ready key of the queue is in memory. Most keys come in order: those are in `run`, a
    sorted list that is read from `at` on; the others are in a heap. A key in `gone` was taken out of the middle.
    """

    def __init__(self, queue: int, column: Column) -> None:
        self._column = column
        self._start, self._end = keys.queue_range(queue)
        self.high: bytes | None = self._start
        self.run: list[bytes] = []
        self.at = 0
        self.heap: list[bytes] = []
        self.touched: set[bytes] = set()
        self.gone: set[bytes] = set()

    def add(self, key: bytes, *, touched: bool = False) -> None:
        """A key that was put on disk."""
        if self.high is not None and key > self.high:
            return
        if touched:
            self.touched.add(key)
        if key in self.gone:  # it never left
            self.gone.discard(key)
            return
        if not self.run or key > self.run[-1]:
            self.run.append(key)
        else:
            heapq.heappush(self.heap, key)
        if len(self.run) - self.at + len(self.heap) > 2 * WINDOW:
            self._spill()

    def add_run(self, ready: list[bytes]) -> None:
        """Keys of jobs that are new; they grow. The same as `add` for each."""
        run = self.run
        if self.high is not None and ready[0] > self.high:
            return
        if self.high is None and (not run or ready[0] > run[-1]):
            run += ready
            if len(run) - self.at + len(self.heap) > 2 * WINDOW:
                self._spill()
        else:
            for key in ready:
                self.add(key)

    def remove(self, key: bytes) -> None:
        """A key that was deleted from disk by other means than `pop`."""
        if self.high is None or key <= self.high:
            self.gone.add(key)

    def pop(self) -> tuple[bytes, bool] | None:
        """The next key and whether its job was touched; None when there is none, on disk neither."""
        while True:
            if self.at < len(self.run):
                key = self.run[self.at]
                if self.heap and self.heap[0] < key:
                    key = heapq.heappop(self.heap)
                else:
                    self.at += 1
            elif self.heap:
                key = heapq.heappop(self.heap)
            elif self._refill():
                continue
            else:
                return None
            self._drop_read()
            if self.gone and key in self.gone:
                self.gone.discard(key)
            elif self.touched and key in self.touched:
                self.touched.discard(key)
                return key, True
            else:
                return key, False

    def _drop_read(self) -> None:
        if self.at > WINDOW:
            del self.run[: self.at]
            self.at = 0

    def take(self, count: int) -> list[tuple[bytes, bool]]:
        """The next keys, up to `count`, as `pop` gives them."""
        taken: list[tuple[bytes, bool]] = []
        if not (self.heap or self.touched or self.gone):
            end = min(self.at + count, len(self.run))
            taken = [(key, False) for key in self.run[self.at : end]]
            self.at = end
            self._drop_read()
        while len(taken) < count and (entry := self.pop()) is not None:
            taken.append(entry)
        return taken

    def _spill(self) -> None:
        kept = sorted(self.run[self.at :] + self.heap)[:WINDOW]
        self.run, self.at, self.heap = kept, 0, []
        self.high = kept[-1]
        self.touched = {key for key in self.touched if key <= kept[-1]}
        self.gone = {key for key in self.gone if key <= kept[-1]}

    def _refill(self) -> bool:
        """Reads what comes behind `high`. Nothing is in memory when it is called."""
        if self.high is None:
            return False
        rows = self._column.scan(keys.after(self.high), self._end, WINDOW)
        self.gone.clear()
        self.run, self.at = [key for key, _ in rows], 0
        self.touched = {key for key, value in rows if value}
        self.high = self.run[-1] if len(rows) == WINDOW else None
        return bool(rows)


class QueueState:
    """A queue. `exists` is False for one that a worker waits on and nobody has pushed to yet."""

    def __init__(self, name: str, number: int, ready: Column) -> None:
        self.name = name
        self.number = number
        self.exists = False
        self.paused = False
        self.create_us = 0
        self.counts = [0] * 8
        self.window = ReadyWindow(number, ready)
        self.groups: Groups | None = None
        """None for a queue whose jobs have no groups: what follows is then as short as can be."""
        self.level: Level = FULL
        """Of the bucket of `rate`."""
        self.served = 0
        """The dispatcher's turn in which the queue was served last."""
        self.hungry: dict[Taker, None] = {}
        self.workers = 0
        self.holders = 0
        """Sessions and pulls that hold this object."""
        self.stats = QueueStats()
        self.settings = queue_service_pb2.QueueSettings()
        self.apply_settings(self.settings)

    @property
    def waiting(self) -> int:
        """Jobs WAITING."""
        return self.counts[job_pb2.JOB_STATE_WAITING]

    @property
    def backlog(self) -> int:
        """Jobs WAITING or DELAYED."""
        return self.counts[job_pb2.JOB_STATE_WAITING] + self.counts[job_pb2.JOB_STATE_DELAYED]

    @property
    def backlog_bytes(self) -> int:
        """What these have, in bytes."""
        return self.counts[BACKLOG_BYTES]

    def apply_settings(self, settings: queue_service_pb2.QueueSettings) -> None:
        """Takes over settings; what is not set gets its default."""
        self.settings = settings
        self.backoff = backoff_of(settings.default_retry)
        self.lease_us = _us(settings, "default_lease", limits.DEFAULT_LEASE_US)
        day = limits.DAY_US
        self.retention_us: dict[int, int] = {
            job_pb2.JOB_STATE_COMPLETED: _us(settings, "completed_retention", 7 * day),
            job_pb2.JOB_STATE_DEAD: _us(settings, "dead_retention", 90 * day),
            job_pb2.JOB_STATE_CANCELLED: _us(settings, "cancelled_retention", 7 * day),
        }
        self.max_active = settings.max_active if settings.HasField("max_active") else None
        self.rate = limit_of(settings.rate) if settings.HasField("rate") else None
        self.group_max_active = settings.group_max_active if settings.HasField("group_max_active") else None
        self.group_rate = limit_of(settings.group_rate) if settings.HasField("group_rate") else None
        self.max_backlog = settings.max_backlog_jobs if settings.HasField("max_backlog_jobs") else None
        self.max_backlog_bytes = settings.max_backlog_bytes if settings.HasField("max_backlog_bytes") else None

    @property
    def full(self) -> bool:
        """Whether as many jobs are active as may be, while others wait."""
        return (
            self.max_active is not None
            and self.counts[job_pb2.JOB_STATE_ACTIVE] >= self.max_active
            and bool(self.waiting and self.hungry)
        )

    def capacity(self) -> int:
        """How many more jobs may be delivered now."""
        if self.paused:
            return 0
        waiting = self.waiting
        if self.max_active is None:
            return waiting
        return min(waiting, max(0, self.max_active - self.counts[job_pb2.JOB_STATE_ACTIVE]))


def _us(settings: queue_service_pb2.QueueSettings, field: str, default: int) -> int:
    if not settings.HasField(field):  # type: ignore[arg-type]
        return default
    return times.duration_us(getattr(settings, field)) or 0


def backoff_of(policy: job_pb2.RetryPolicy) -> Backoff:
    """A checked policy with its defaults filled in."""
    default = Backoff()
    return Backoff(
        kind=policy.kind or default.kind,
        base_us=(times.duration_us(policy.base) or 0) if policy.HasField("base") else default.base_us,
        max_delay_us=(times.duration_us(policy.max_delay) or 0)
        if policy.HasField("max_delay")
        else default.max_delay_us,
        jitter=policy.jitter if policy.HasField("jitter") else default.jitter,
        max_attempts=policy.max_attempts if policy.HasField("max_attempts") else default.max_attempts,
    )
