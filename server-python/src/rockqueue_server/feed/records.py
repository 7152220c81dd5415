"""How the events of one commit are stored: runs of equal events, with the job ids one after another.

A batch of 1,000 like jobs is one run, so that an event costs 16 bytes on the hot path; watchers expand runs when they
read them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_TIME = struct.Struct(">Q")
_RUN = struct.Struct(">BBIIHII")

NO_JOB = bytes(16)


class Run(NamedTuple):
    """Events that differ in their job only. `extra` is a serialised `Event` with the fields that few events have."""

    type: int
    state: int
    queue: int
    attempt: int
    name: str
    extra: bytes


class EventRecorder:
    """Gathers the events of one commit."""

    __slots__ = ("_ids", "_last", "count", "runs")

    def __init__(self) -> None:
        self.runs: list[tuple[tuple[int, int, int, int, str, bytes], list[bytes]]] = []
        self._last: tuple[int, int, int, int, str, bytes] | None = None
        self._ids: list[bytes] = []
        self.count = 0

    def add(
        self, type_: int, state: int, queue: int, attempt: int, name: str, job_id: bytes, extra: bytes = b""
    ) -> None:
        """One event. `queue` is the queue's number, 0 for none; `job_id` is NO_JOB for events of queues and workers."""
        run = (type_, state, queue, attempt, name, extra)
        if run != self._last:
            self._last = run
            self._ids = []
            self.runs.append((run, self._ids))
        self._ids.append(job_id)
        self.count += 1

    def add_run(
        self, type_: int, state: int, queue: int, attempt: int, name: str, job_ids: list[bytes], extra: bytes = b""
    ) -> None:
        """The same event for each of many jobs. The list is kept, not copied."""
        self._last = None
        self.runs.append(((type_, state, queue, attempt, name, extra), job_ids))
        self.count += len(job_ids)

    def pack(self, time_us: int) -> bytes:
        """Value of column `events`."""
        parts = [_TIME.pack(time_us)]
        for (type_, state, queue, attempt, name, extra), ids in self.runs:
            name_bytes = name.encode()
            parts.append(_RUN.pack(type_, state, queue, attempt, len(name_bytes), len(extra), len(ids)))
            parts.append(name_bytes)
            parts.append(extra)
            parts.extend(ids)
        return b"".join(parts)


def commit_time_us(value: bytes) -> int:
    """When the events of a value were committed."""
    return _TIME.unpack_from(value)[0]


def unpack_runs(value: bytes) -> Iterator[tuple[Run, list[bytes]]]:
    """The runs of a value, each with its job ids."""
    at = _TIME.size
    while at < len(value):
        type_, state, queue, attempt, name_bytes, extra_bytes, count = _RUN.unpack_from(value, at)
        at += _RUN.size
        name = value[at : at + name_bytes].decode()
        at += name_bytes
        extra = value[at : at + extra_bytes]
        at += extra_bytes
        end = at + 16 * count
        yield Run(type_, state, queue, attempt, name, extra), [value[i : i + 16] for i in range(at, end, 16)]
        at = end


def event_key(commit: int) -> bytes:
    """Key of column `events`."""
    return commit.to_bytes(8, "big")
