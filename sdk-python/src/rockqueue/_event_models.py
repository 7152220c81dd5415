"""What happened, as plain values, and which of it is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, cast

from rockqueue._durations import from_timestamp, moment
from rockqueue._models import Progress, progress_of
from rockqueue._states import (
    DeadReason,
    EventType,
    FlowState,
    JobState,
    dead_reason,
    event_number,
    flow_state,
    job_state,
)
from rockqueue.v1 import event_service_pb2


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `cursor` is unique to it: `client.events(after=event.cursor)` gives what follows."""

    cursor: str
    type: EventType
    time: datetime
    queue: str
    job_id: str
    name: str
    state: JobState | None
    attempt: int
    dead_reason: DeadReason | None
    worker: str
    ready_time: datetime | None
    progress: Progress | None
    error_type: str
    error_message: str
    purged: int
    flow_id: str
    flow_state: FlowState | None
    schedule: str
    slot_time: datetime | None

    @classmethod
    def of(cls, event: event_service_pb2.Event, kind: EventType) -> Event:
        """The message as a value."""
        return cls(
            cursor=event.cursor,
            type=kind,
            time=from_timestamp(event.time),
            queue=event.queue,
            job_id=event.job_id,
            name=event.name,
            state=job_state(event.state) if event.state else None,
            attempt=event.attempt,
            dead_reason=dead_reason(event.dead_reason),
            worker=event.worker,
            ready_time=moment(event, "ready_time"),
            progress=progress_of(event.progress) if event.HasField("progress") else None,
            error_type=event.error.type,
            error_message=event.error.message,
            purged=event.purged,
            flow_id=event.flow_id,
            flow_state=flow_state(event.flow_state) if event.flow_state else None,
            schedule=event.schedule,
            slot_time=moment(event, "slot_time"),
        )


class EventFilter(TypedDict, total=False):
    """Which events: all that is given must match, and one match within a list is enough.

    queues, names, job_ids: Of these queues and their jobs, of jobs with these names, of these jobs.
    types: Of these types.
    flow_ids: Of these flows and their jobs.
    schedules: Of these schedules and the jobs that they pushed.
    """

    queues: Sequence[str]
    names: Sequence[str]
    types: Sequence[EventType | str]
    job_ids: Sequence[str]
    flow_ids: Sequence[str]
    schedules: Sequence[str]


def build_event_filter(wanted: EventFilter) -> event_service_pb2.EventFilter:
    """The filter as the contract carries it. Raises TypeError for an unknown field or a lone string."""
    found = event_service_pb2.EventFilter()
    for name, values in wanted.items():
        if name not in EventFilter.__annotations__:
            raise TypeError(f"unknown field {name!r} of events; there are: {', '.join(EventFilter.__annotations__)}")
        if isinstance(values, str):
            raise TypeError(f"{name} must be a list of strings, not the string {values!r}")
        listed = list(cast("Sequence[str]", values))
        getattr(found, name).extend([event_number(kind) for kind in listed] if name == "types" else listed)
    return found
