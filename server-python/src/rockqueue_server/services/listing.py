"""Lists jobs a page at a time, at a cost bounded by the page.

A filter on queue and state walks the index of that state; anything else walks the jobs in the order of their creation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import Problems
from rockqueue_server.engine.flows.records import NODE_ID_AT, node_range
from rockqueue_server.engine.lookup import FINISHED, Found, find, show
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import lowest_id, parse_id

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.store.base import Column

_STEP = 200
_BLOCKED = job_pb2.JOB_STATE_BLOCKED
_WAITING, _DELAYED, _ACTIVE = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED, job_pb2.JOB_STATE_ACTIVE


def check_filter(wanted: job_service_pb2.JobFilter, path: str, problems: Problems) -> None:
    """Notes what is wrong with a filter."""
    if wanted.queue:
        problems.queue(f"{path}.queue", wanted.queue)
    problems.known_enum(f"{path}.state", wanted.state, job_pb2.JobState)
    if wanted.flow_id and parse_id(wanted.flow_id) is None:
        problems.add(f"{path}.flow_id", "must be a flow id: a UUID as text")
    if len(wanted.tags) > limits.TAGS:
        problems.over(f"{path}.tags", limits.TAGS, len(wanted.tags), "tags")
    for field in ("created_from", "created_before"):
        if wanted.HasField(field):  # type: ignore[arg-type]
            problems.timestamp(f"{path}.{field}", getattr(wanted, field))


def list_jobs(engine: Engine, request: job_service_pb2.ListJobsRequest) -> job_service_pb2.ListJobsResponse:
    """One page."""
    problems = Problems()
    check_filter(request.filter, "filter", problems)
    problems.known_enum("order", request.order, job_service_pb2.ListOrder)
    if request.page_size < 0:
        problems.add("page_size", "must be 0 or more")
    newest = request.order == job_service_pb2.LIST_ORDER_NEWEST_FIRST
    stamp = hashlib.blake2b(
        request.filter.SerializeToString(deterministic=True) + bytes([newest]), digest_size=6, person=b"page"
    ).digest()
    position = _position(request.page_token, stamp, problems)
    problems.check()
    size = min(request.page_size or limits.DEFAULT_PAGE_SIZE, limits.PAGE_SIZE)
    walk = Walk(engine, request.filter, position, newest=newest)
    answer = job_service_pb2.ListJobsResponse()
    page_bytes = 0
    for found in walk:
        if "page_token_skips_one" in engine.defects and not answer.jobs and position:
            position = b""
            continue
        job = show(engine, found, payload=request.include_payload)
        page_bytes += job.ByteSize()
        if answer.jobs and page_bytes > limits.PAGE_BYTES:
            break
        answer.jobs.append(job)
        position = walk.position
        if len(answer.jobs) >= size:
            break
    else:
        if walk.ended:
            return answer
        position = walk.position
    answer.next_page_token = base64.urlsafe_b64encode(stamp + position).decode()
    return answer


def _position(token: str, stamp: bytes, problems: Problems) -> bytes:
    if not token:
        return b""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) <= len(stamp) or raw[: len(stamp)] != stamp:
        problems.add("page_token", "must be the next_page_token of a page with the same filter and order")
        return b""
    return raw[len(stamp) :]


class Walk:
    """Goes through the jobs that match a filter, from behind `position` on, looking at a bounded number of entries.

    After the loop `position` is where to go on, and `ended` says that nothing is left.
    """

    def __init__(
        self, engine: Engine, wanted: job_service_pb2.JobFilter, position: bytes = b"", *, newest: bool = False
    ) -> None:
        self._engine = engine
        self._wanted = wanted
        self._newest = newest
        self._from_us = wanted.created_from.ToMicroseconds() if wanted.HasField("created_from") else None
        self._before_us = wanted.created_before.ToMicroseconds() if wanted.HasField("created_before") else None
        self.position = position
        self.ended = False

    def __iter__(self) -> Iterator[Found]:
        wanted = self._wanted
        queue = self._engine.queues.get(wanted.queue) if wanted.queue else None
        if wanted.queue and queue is None:
            self.ended = True
            return
        columns = self._engine.columns
        flow_id = parse_id(wanted.flow_id) if wanted.flow_id else None
        if flow_id is not None:
            yield from self._through(columns.flows, *self._within(*node_range(flow_id)), NODE_ID_AT)
        elif wanted.state == _ACTIVE:
            yield from self._through(columns.active, b"", keys.END, 0)
        elif queue is not None and wanted.state in FINISHED:
            lower, upper = (
                keys.done_key(queue.number, wanted.state, b""),
                keys.done_key(queue.number, wanted.state + 1, b""),
            )
            yield from self._through(columns.done, *self._within(lower, upper), len(lower))
        elif queue is not None and wanted.state == _WAITING:
            yield from self._through(columns.ready, *keys.queue_range(queue.number), 16)
        elif queue is not None and wanted.state == _BLOCKED:
            lower, upper = keys.queue_range(queue.number)
            yield from self._through(columns.blocked, *self._within(lower, upper), len(lower))
        elif queue is not None and wanted.state == _DELAYED:
            yield from self._through(columns.delayed, *keys.queue_range(queue.number), 12)
        else:
            yield from self._through(columns.job, *self._within(b"", keys.END), 0)

    def _within(self, lower: bytes, upper: bytes) -> tuple[bytes, bytes]:
        """Narrows a range of keys that end in the job id to the times of creation asked for."""
        prefix = lower
        if self._from_us is not None:
            lower = prefix + lowest_id(self._from_us // 1000)
        if self._before_us is not None:
            upper = prefix + lowest_id(self._before_us // 1000 + 1)
        return lower, upper

    def _through(self, column: Column, lower: bytes, upper: bytes, id_at: int) -> Iterator[Found]:
        seen = 0
        while seen < limits.SCAN_ENTRIES:
            if self.position:
                if self._newest:
                    upper = self.position
                else:
                    lower = keys.after(self.position)
            if lower >= upper:
                self.ended = True
                return
            rows = column.scan(lower, upper, min(_STEP, limits.SCAN_ENTRIES - seen), reverse=self._newest)
            for key, _ in rows:
                seen += 1
                self.position = key
                found = find(self._engine, key[id_at:])
                if found is not None and self.matches(found):
                    yield found
            if len(rows) < min(_STEP, limits.SCAN_ENTRIES - seen + len(rows)):
                self.ended = True
                return

    def matches(self, found: Found) -> bool:
        """Whether a job is one of those asked for."""
        wanted, head = self._wanted, found.head
        if wanted.state and found.state != wanted.state:
            return False
        if wanted.queue and found.queue.name != wanted.queue:
            return False
        if wanted.name and head.name != wanted.name:
            return False
        if self._from_us is not None and head.create_us < self._from_us:
            return False
        if self._before_us is not None and head.create_us >= self._before_us:
            return False
        return not wanted.tags or set(wanted.tags) <= set(job_pb2.JobSpec.FromString(found.spec).tags)
