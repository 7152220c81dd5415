"""Goes through the jobs that a filter means, in an order that stays, at a cost bounded by the step.

Jobs are walked by the index that leads past the fewest others: that of a tag, of a flow, of a queue's finished or
blocked jobs, of active jobs, or all jobs by creation. The keys of all of these end in the id, so times of creation are
bounds of the walk there, and a position is the same in each. The WAITING or DELAYED jobs of one queue come in the order
of their index.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rockqueue.v1 import job_pb2
from rockqueue_server.contract import limits
from rockqueue_server.engine.flows.records import node_range
from rockqueue_server.engine.lookup import FINISHED, Found, find
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import created_ms, lowest_id
from rockqueue_server.services.filters import Matcher

if TYPE_CHECKING:
    from rockqueue.v1 import job_service_pb2
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState
    from rockqueue_server.store.base import Column

_LEAST_ROWS, _MOST_ROWS = 8, 250
_CHUNK_BYTES = 1 << 20
"""Records are read in chunks of about this size: few at a time when payloads are big."""
_MOST_BYTES = 32 << 20
"""So much is read at most before the walk pauses."""
_PROBE = 1000
"""So many entries of an index are counted to tell which of several is the shortest."""
_BLOCKED = job_pb2.JOB_STATE_BLOCKED
_WAITING, _DELAYED, _ACTIVE = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED, job_pb2.JOB_STATE_ACTIVE


_MOST_QUEUES = 500
"""The finished jobs of so many queues are merged by id; those of more are picked out from among all jobs."""
_STATE_ROWS = 5
"""To look up a job that is in another state than asked for costs as much as so many entries."""


class _Scanned(Protocol):
    """What is used of a column."""

    def scan(self, lower: bytes, upper: bytes, limit: int, *, reverse: bool = False) -> list[tuple[bytes, bytes]]:
        """As that of `Column`."""
        ...


class _Range(NamedTuple):
    """Entries of a column. The first `fixed` bytes of their keys are all the same; the job's id is at `id_at`."""

    column: _Scanned
    lower: bytes
    upper: bytes
    fixed: int
    id_at: int


class Walk:
    """Goes through the jobs that match a filter, from behind `position` on, looking at up to `rows` entries each time.

    After the loop `position` is where to go on, `ended` says that nothing is left, and `examined` counts the entries
    that were looked at.
    """

    def __init__(
        self,
        engine: Engine,
        wanted: job_service_pb2.JobFilter,
        position: bytes = b"",
        *,
        newest: bool = False,
        rows: int = limits.SCAN_ENTRIES,
    ) -> None:
        self._engine = engine
        self._matcher = Matcher(engine, wanted)
        self._newest = newest
        self._rows = rows
        self.position = position
        self.examined = 0
        self.ended = False

    def __iter__(self) -> Iterator[Found]:
        matcher, columns = self._matcher, self._engine.columns
        queue, state = matcher.queue, matcher.state
        if matcher.impossible:
            self.ended = True
            return
        ranges = [self._by_id(columns.tags, keys.tag_prefix(tag)) for tag in matcher.tags]
        if matcher.flow_id is not None:
            ranges.append(self._by_id(columns.flows, node_range(matcher.flow_id)[0]))
        if queue is not None and state in (_WAITING, _DELAYED):
            few = self._few(ranges)
            if few is not None:
                yield from self._sorted(few)
                return
            if state == _WAITING:
                yield from self._waiting(queue)
            else:
                yield from self._through(_Range(columns.delayed, *keys.queue_range(queue.number), 4, 12))
            return
        if state == _ACTIVE:
            ranges.append(self._by_id(columns.active, b""))
        elif queue is not None and state == _BLOCKED:
            ranges.append(self._by_id(columns.blocked, keys.queue_range(queue.number)[0]))
        elif state in FINISHED:
            ranges += self._finished(queue, state)
        yield from self._through(self._shortest(ranges) if ranges else self._by_id(columns.job, b""))

    def _waiting(self, queue: QueueState) -> Iterator[Found]:
        """In the order of delivery: jobs without a group, then group by group in the order in which they came up."""
        columns, wanted, within = self._engine.columns, self._matcher.group, keys.queue_range(queue.number)
        ranges = [_Range(columns.ready, *within, 4, 16)]
        if queue.groups is not None:
            ranges.append(_Range(columns.gready, *within, 4, 24))
        if wanted:
            group = queue.groups.find(wanted) if queue.groups is not None else None
            prefix = group.prefix if group is not None else keys.END
            ranges = [_Range(columns.gready, prefix, prefix + keys.END, 4, 24)]
        if self._newest:
            ranges.reverse()
        # A position tells by its length in which of them it is.
        while len(ranges) > 1 and self.position and len(self.position) != ranges[0].id_at + keys.ID_BYTES - 4:
            del ranges[0]
        self.ended = True
        for one in ranges:
            if not self.ended:
                return
            self.ended = False
            yield from self._through(one)
            if self.ended and one is not ranges[-1]:
                self.position = b""

    def _finished(self, queue: QueueState | None, state: int) -> list[_Range]:
        """The finished jobs of a state, of one queue or of all that have any."""
        every = self._engine.queues.by_number.values()
        queues = [queue] if queue is not None else [one for one in every if one.counts[state]]
        if len(queues) > _MOST_QUEUES:
            return []
        prefixes = [keys.done_key(one.number, state, b"") for one in queues]
        return [self._by_id(_Merged(self._engine.columns.done, prefixes), b"")]

    def _by_id(self, column: _Scanned, prefix: bytes) -> _Range:
        """The entries of `prefix` and the id of a job that was created when the filter says."""
        from_us, before_us = self._matcher.from_us, self._matcher.before_us
        lower = prefix if from_us is None else prefix + lowest_id(from_us // 1000)
        upper = prefix + (keys.END if before_us is None else lowest_id(before_us // 1000 + 1))
        return _Range(column, lower, upper, len(prefix), len(prefix))

    def _ahead(self, within: _Range) -> _Range:
        """What is left of a range behind the position."""
        if not self.position:
            return within
        position = within.lower[: within.fixed] + self.position
        if self._newest:
            return within._replace(upper=min(within.upper, position))
        return within._replace(lower=max(within.lower, keys.after(position)))

    def _shortest(self, ranges: list[_Range]) -> _Range:
        """The range that leads past the fewest jobs."""
        if len(ranges) == 1:
            return ranges[0]
        return min(ranges, key=lambda one: len(_scan(self._ahead(one), _PROBE)))

    def _few(self, ranges: list[_Range]) -> list[bytes] | None:
        """The ids of all jobs of the shortest range, if they are few enough to be sorted for each page."""
        few: list[bytes] | None = None
        for one in ranges:
            rows = _scan(one, _PROBE)
            if len(rows) < _PROBE and (few is None or len(rows) < len(few)):
                few = [key[one.id_at :] for key, _ in rows]
        return few

    def _sorted(self, ids: list[bytes]) -> Iterator[Found]:
        """The same as a walk through WAITING or DELAYED jobs, for few candidates."""
        placed: list[tuple[bytes, Found]] = []
        for job_id, value in zip(ids, self._engine.columns.job.get_many(ids) if ids else [], strict=True):
            self.examined += 1
            if value is not None and self._matcher.fits(value):
                found = find(self._engine, job_id, value)
                if found is not None and found.state == self._matcher.state:
                    placed.append((_place(found)[4:], found))
        # Jobs with a group have longer keys, and come after those without.
        placed.sort(key=lambda pair: (len(pair[0]), pair[0]), reverse=self._newest)
        behind = (len(self.position), self.position) if self.position else None
        for position, found in placed:
            place = (len(position), position)
            if behind is None or (place < behind if self._newest else place > behind):
                self.position = position
                yield found
        self.ended = True

    def _through(self, within: _Range) -> Iterator[Found]:
        seen, read_bytes, chunk = 0, 0, _LEAST_ROWS
        state = self._matcher.state
        while seen < self._rows and read_bytes < _MOST_BYTES:
            within = self._ahead(within)
            if within.lower >= within.upper:
                break
            wanted = min(chunk, self._rows - seen)
            rows = _scan(within, wanted, reverse=self._newest)
            values = self._records(within, rows)
            for (key, _), value in zip(rows, values, strict=True):
                seen += 1
                self.examined += 1
                self.position = key[within.fixed :]
                if value is None or not self._matcher.fits(value):
                    continue
                found = find(self._engine, key[within.id_at :], value)
                if found is not None and (not state or found.state == state):
                    yield found
                else:
                    seen += _STATE_ROWS
            if len(rows) < wanted:
                break
            size = sum(len(value) for value in values if value is not None)
            read_bytes += size
            chunk = max(_LEAST_ROWS, min(_MOST_ROWS, 4 * chunk, _CHUNK_BYTES * len(rows) // (size or 1)))
        else:
            return
        self.ended = True

    def _records(self, within: _Range, rows: list[tuple[bytes, bytes]]) -> list[bytes | None]:
        """The records of the jobs of some entries; None for a job that was created at another time than asked for."""
        if within.column is self._engine.columns.job:
            return [value for _, value in rows]
        ids = [key[within.id_at :] for key, _ in rows]
        from_us, before_us = self._matcher.from_us, self._matcher.before_us
        if within.id_at != within.fixed and (from_us is not None or before_us is not None):
            from_ms, before_ms = (from_us or 0) // 1000, before_us // 1000 if before_us is not None else 1 << 48
            ids = [job_id for job_id in ids if from_ms <= created_ms(job_id) <= before_ms]
        records = dict(zip(ids, self._engine.columns.job.get_many(ids), strict=True)) if ids else {}
        return [records.get(key[within.id_at :]) for key, _ in rows]


class _Merged:
    """Entries behind several prefixes, as if what follows the prefix were all their key."""

    def __init__(self, column: Column, prefixes: list[bytes]) -> None:
        self._column = column
        self._prefixes = prefixes

    def scan(self, lower: bytes, upper: bytes, limit: int, *, reverse: bool = False) -> list[tuple[bytes, bytes]]:
        """As that of `Column`, without the values."""
        runs = [self._run(prefix, lower, upper, limit, reverse=reverse) for prefix in self._prefixes]
        return list(itertools.islice(heapq.merge(*runs, reverse=reverse), limit))

    def _run(
        self, prefix: bytes, lower: bytes, upper: bytes, limit: int, *, reverse: bool
    ) -> Iterator[tuple[bytes, bytes]]:
        chunk = limit if len(self._prefixes) == 1 else min(limit, _LEAST_ROWS)
        while rows := self._column.scan(prefix + lower, prefix + upper, chunk, reverse=reverse):
            for key, _ in rows:
                yield key[len(prefix) :], b""
            if len(rows) < chunk:
                return
            last = rows[-1][0][len(prefix) :]
            lower, upper = (lower, last) if reverse else (keys.after(last), upper)


def _scan(within: _Range, limit: int, *, reverse: bool = False) -> list[tuple[bytes, bytes]]:
    if within.lower >= within.upper:
        return []
    return within.column.scan(within.lower, within.upper, limit, reverse=reverse)


def _place(found: Found) -> bytes:
    """The key of a WAITING or DELAYED job in its index."""
    if found.state == _WAITING:
        groups = found.queue.groups
        group = groups.find(job_pb2.JobSpec.FromString(found.spec).group) if groups is not None else None
        return found.ready_key if group is None else group.prefix + found.ready_key[4:]
    return keys.delayed_key(found.queue.number, found.ready_us, found.job_id)
