"""EventService: streams what happens. `rockqueue/v1/event_service.proto` is the specification."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import grpc

from rockqueue.v1 import event_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.times import timestamp
from rockqueue_server.errors import ServiceError, overloaded, shutting_down
from rockqueue_server.feed.records import NO_JOB, Run, commit_time_us, unpack_runs
from rockqueue_server.rules.ids import id_text, parse_id

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

MOST_WATCHERS = 1000
_PER_RESPONSE = 500
_WHOLE = 0xFFFFFFFF
"""Index of a cursor behind all events of its commit."""
_CURSOR = re.compile(r"1\.([0-9a-f]{1,16})\.([0-9a-f]{1,8})\Z")

Event = event_service_pb2.Event
Response = event_service_pb2.WatchEventsResponse


def cursor_text(commit: int, index: int) -> str:
    """A cursor: behind the first `index` events of `commit`."""
    return f"1.{commit:x}.{index:x}"


class EventService:
    """Watches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def watch_events(self, request: event_service_pb2.WatchEventsRequest) -> AsyncIterator[Response]:
        """Streams events that match, from a cursor on."""
        engine, feed = self._engine, self._engine.feed
        wanted = _Wanted(request.filter)
        commit, index = self._begin(request)
        if feed.watchers >= MOST_WATCHERS:
            raise overloaded(f"{MOST_WATCHERS} watches are open: close some")
        watcher = feed.watcher()
        try:
            if request.WhichOneof("from") is None:
                await engine.settled()
                commit, index = feed.published, _WHOLE
            yield Response(cursor=cursor_text(commit, index))
            told = (commit, index)
            while True:
                watcher.clear()
                self._check_kept(commit, index)
                rows = feed.read(commit - 1 if index != _WHOLE else commit)
                for number, value in rows:
                    skip = index if number == commit and index != _WHOLE else 0
                    for response in _expand(engine, number, value, wanted, skip):
                        yield response
                        told = (number, 0)
                    commit, index = number, _WHOLE
                if rows:
                    if told[0] != commit:
                        yield Response(cursor=cursor_text(commit, index))
                        told = (commit, index)
                    continue
                if engine.stopping:
                    raise shutting_down()
                await watcher.wait()
        finally:
            feed.leave(watcher)

    def _begin(self, request: event_service_pb2.WatchEventsRequest) -> tuple[int, int]:
        """Where the stream begins: behind so many events of a commit."""
        problems = Problems()
        feed = self._engine.feed
        start = request.WhichOneof("from")
        commit, index = feed.published, _WHOLE
        if start == "beginning":
            if not request.beginning:
                problems.add("beginning", "must be true, or not be set")
            commit, index = feed.gone, _WHOLE
        elif start == "cursor":
            match = _CURSOR.match(request.cursor)
            if match is None or int(match[1], 16) > self._engine.written:
                problems.add("cursor", "must be a cursor of this server's events")
            else:
                commit, index = int(match[1], 16), int(match[2], 16)
        _check_filter(request.filter, problems)
        problems.check()
        if start == "cursor" and "watch_repeats_on_resume" in self._engine.defects:
            commit, index = max(feed.gone, commit - 1), _WHOLE
        self._check_kept(commit, index)
        return commit, index

    def _check_kept(self, commit: int, index: int) -> None:
        gone = self._engine.feed.gone
        if commit < gone or (commit == gone and index != _WHOLE and gone):
            earliest = cursor_text(gone, _WHOLE)
            raise ServiceError(
                grpc.StatusCode.OUT_OF_RANGE,
                "CURSOR_EXPIRED",
                "the events after this cursor are no longer kept: go on from earliest_cursor, or from now",
                {"earliest_cursor": earliest},
            )


class _Wanted:
    """A filter, ready to be asked."""

    def __init__(self, wanted: event_service_pb2.EventFilter) -> None:
        self.queues = frozenset(wanted.queues)
        self.names = frozenset(wanted.names)
        self.types = frozenset(wanted.types)
        self.flows = frozenset(text.lower() for text in wanted.flow_ids)
        self.schedules = frozenset(wanted.schedules)
        self.jobs = frozenset(job_id for text in wanted.job_ids if (job_id := parse_id(text)) is not None)

    def run(self, run: Run, queue: str) -> bool:
        """Whether events of a run can match at all."""
        if self.types and run.type not in self.types:
            return False
        if self.queues and queue not in self.queues:
            return False
        if self.names and run.name not in self.names:
            return False
        return not (self.flows or self.schedules) or self._origin(run.extra)

    def _origin(self, extra: bytes) -> bool:
        """Whether a flow and a schedule that are asked for are among the fields that few events have."""
        told = Event.FromString(extra)
        if self.flows and told.flow_id not in self.flows:
            return False
        return not self.schedules or told.schedule in self.schedules


def _expand(engine: Engine, commit: int, value: bytes, wanted: _Wanted, skip: int) -> list[Response]:
    """The events of one commit that match, behind the first `skip`, in responses of bounded size."""
    responses: list[Response] = []
    events: list[Event] = []
    time = timestamp(commit_time_us(value))
    index = 0
    skipping = "event_skips_every_100th" in engine.defects
    for run, ids in unpack_runs(value):
        known = engine.queues.by_number.get(run.queue)
        queue = known.name if known is not None else ""
        if not wanted.run(run, queue):
            index += len(ids)
            continue
        for job_id in ids:
            index += 1
            if index <= skip or (wanted.jobs and job_id not in wanted.jobs):
                continue
            if skipping and (commit * 7 + index) % 100 == 0:
                continue
            event = Event.FromString(run.extra)
            event.cursor = cursor_text(commit, index)
            event.type = run.type  # type: ignore[assignment]
            event.time.CopyFrom(time)
            event.queue = queue
            if job_id != NO_JOB:
                event.job_id = id_text(job_id)
                event.name = run.name
                event.state = run.state  # type: ignore[assignment]
                event.attempt = run.attempt
            events.append(event)
            if len(events) == _PER_RESPONSE:
                responses.append(Response(events=events, cursor=event.cursor))
                events = []
    if events:
        responses.append(Response(events=events, cursor=cursor_text(commit, _WHOLE)))
    return responses


def _check_filter(wanted: event_service_pb2.EventFilter, problems: Problems) -> None:
    for field in ("queues", "names", "types", "job_ids", "flow_ids", "schedules"):
        if len(getattr(wanted, field)) > limits.FILTER_ENTRIES:
            problems.add(f"filter.{field}", f"must hold at most {limits.FILTER_ENTRIES} entries")
    for index, name in enumerate(wanted.queues):
        problems.queue(f"filter.queues[{index}]", name)
    for index, type_ in enumerate(wanted.types):
        problems.known_enum(f"filter.types[{index}]", type_ or -1, event_service_pb2.EventType)
    for index, text in enumerate(wanted.job_ids):
        if parse_id(text) is None:
            problems.add(f"filter.job_ids[{index}]", "must be a job id: a UUID as text")
    for index, text in enumerate(wanted.flow_ids):
        if parse_id(text) is None:
            problems.add(f"filter.flow_ids[{index}]", "must be a flow id: a UUID as text")


def matching_events(
    engine: Engine, wanted: event_service_pb2.EventFilter
) -> Callable[[int, bytes, int], list[event_service_pb2.Event]]:
    """For other readers of the feed: gives the events of a commit that match, behind its first so many."""
    filter_ = _Wanted(wanted)

    def match(commit: int, value: bytes, skip: int) -> list[event_service_pb2.Event]:
        return [event for response in _expand(engine, commit, value, filter_, skip) for event in response.events]

    return match


def check_event_filter(wanted: event_service_pb2.EventFilter, problems: Problems) -> None:
    """Notes what is wrong with a filter, as fields of `filter`."""
    _check_filter(wanted, problems)
