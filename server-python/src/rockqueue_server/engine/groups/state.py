"""One group in memory: its limits, its figures, and the first of its waiting jobs.

Groups that have waiting or active jobs are in memory, and no others. There may be 100,000 of them, so each is small.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from rockqueue.v1 import queue_service_pb2
from rockqueue_server.contract import times
from rockqueue_server.engine.groups.records import PREFIX_BYTES, SUFFIX_BYTES, GroupRecord, ready_prefix
from rockqueue_server.rules.rate import FULL, Level, Rate, rate_of
from rockqueue_server.store.base import Column

_DEFAULT_PERIOD_US = 1_000_000


class GroupState:
    """A group of a queue.

    `first` holds the first waiting jobs in order, each as the end of its key and a byte that tells whether it was
    touched; what comes behind `high` is on disk only. `high` is None while all of them are in memory.
    """

    __slots__ = (
        "active", "due_us", "first", "high", "in_ring", "jobs", "key", "level", "max_active", "number", "queue", "rate",
        "settings", "tag", "turn", "turn_at", "waiting", "weight",
    )  # fmt: skip

    def __init__(self, queue: int, key: str, number: int) -> None:
        self.queue = queue
        self.key = key
        self.number = number
        self.waiting = 0
        self.jobs = 0
        """Its jobs that are not finished."""
        self.active = 0
        """Its jobs that are with workers, or on their way."""
        self.level: Level = FULL
        self.turn = b""
        """The job that was delivered and came back: while only one may be active, no other goes before its end."""
        self.turn_at = b""
        """The end of that job's key, while it is WAITING."""
        self.first: list[bytes] = []
        self.high: bytes | None = None
        self.tag = 0
        self.due_us = 0
        """When its rate allows the next delivery, while that is waited for."""
        self.in_ring = False
        self.settings = b""
        self.weight = 1
        self.max_active: int | None = None
        self.rate: Rate | None = None

    @classmethod
    def of(cls, queue: int, key: str, record: GroupRecord) -> GroupState:
        """The group of a record; its waiting jobs are read when the first is asked for."""
        state = cls(queue, key, record.number)
        state.waiting, state.jobs, state.level, state.turn = record.waiting, record.jobs, record.level, record.turn
        state.high = b"" if record.waiting else None
        state.apply_settings(record.settings)
        return state

    @property
    def prefix(self) -> bytes:
        """What its keys in column `gready` begin with."""
        return ready_prefix(self.queue, self.number)

    @property
    def has_waiting(self) -> bool:
        """Whether a job may be waiting."""
        return bool(self.first) or self.high is not None

    def apply_settings(self, serialised: bytes) -> None:
        """Takes over settings; what is not set gets its default, or what the queue says."""
        self.settings = serialised
        self.weight, self.max_active, self.rate = 1, None, None
        if serialised:
            settings = queue_service_pb2.GroupSettings.FromString(serialised)
            self.weight = settings.weight if settings.HasField("weight") else 1
            self.max_active = settings.max_active if settings.HasField("max_active") else None
            self.rate = limit_of(settings.rate) if settings.HasField("rate") else None

    def add(self, entry: bytes, most: int) -> None:
        """A job begins to wait. `most` is how many are kept in memory, give or take a factor of two."""
        if self.high is not None and entry[:SUFFIX_BYTES] > self.high:
            return
        insort(self.first, entry)
        if len(self.first) > 2 * most:
            del self.first[most:]
            self.high = self.first[-1][:SUFFIX_BYTES]

    def remove(self, suffix: bytes) -> None:
        """A job does not wait any more."""
        at = bisect_left(self.first, suffix)
        if at < len(self.first) and self.first[at].startswith(suffix):
            del self.first[at]

    def pop(self, column: Column, most: int) -> bytes | None:
        """Takes the first waiting job; None when there is none, on disk neither."""
        if not self.first and not self.load(column, most):
            return None
        return self.first.pop(0)

    def load(self, column: Column, most: int) -> bool:
        """Reads what comes behind `high`, when nothing is in memory; returns whether there is anything."""
        if self.high is None:
            return False
        lower = self.prefix + self.high + b"\x00" if self.high else self.prefix
        rows = column.scan(lower, ready_prefix(self.queue, self.number + 1), most)
        self.first = [key[PREFIX_BYTES:] + (b"\x01" if value else b"\x00") for key, value in rows]
        self.high = self.first[-1][:SUFFIX_BYTES] if len(rows) == most else None
        return bool(rows)


def limit_of(limit: queue_service_pb2.RateLimit) -> Rate:
    """A checked rate limit with its defaults filled in."""
    period_us = _DEFAULT_PERIOD_US
    if limit.HasField("period"):
        period_us = times.duration_us(limit.period) or _DEFAULT_PERIOD_US
    return rate_of(limit.count, period_us, limit.burst if limit.HasField("burst") else limit.count)
