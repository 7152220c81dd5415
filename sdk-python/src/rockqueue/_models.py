"""What the server knows of jobs, queues and itself, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from rockqueue._durations import from_duration, from_timestamp
from rockqueue._errors import JobFailed, RockQueueError
from rockqueue._payloads import PayloadCodec, decoded
from rockqueue.v1 import event_service_pb2, job_pb2, job_service_pb2, queue_service_pb2, server_service_pb2


class JobState(StrEnum):
    """Where a job is in its life. UNKNOWN stands for a state that a newer server has and this version does not."""

    WAITING = "WAITING"
    DELAYED = "DELAYED"
    ACTIVE = "ACTIVE"
    BLOCKED = "BLOCKED"
    COMPLETED = "COMPLETED"
    DEAD = "DEAD"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"

    @property
    def finished(self) -> bool:
        """True for COMPLETED, DEAD and CANCELLED."""
        return self in (JobState.COMPLETED, JobState.DEAD, JobState.CANCELLED)


class DeadReason(StrEnum):
    """Why a job is DEAD."""

    ATTEMPTS_EXHAUSTED = "ATTEMPTS_EXHAUSTED"
    NON_RETRYABLE = "NON_RETRYABLE"
    EXPIRED = "EXPIRED"
    PARENT_FAILED = "PARENT_FAILED"
    POISONED = "POISONED"
    UNKNOWN = "UNKNOWN"


class EventType(StrEnum):
    """What happened."""

    JOB_PUSHED = "JOB_PUSHED"
    JOB_BLOCKED = "JOB_BLOCKED"
    JOB_DELAYED = "JOB_DELAYED"
    JOB_READY = "JOB_READY"
    JOB_STARTED = "JOB_STARTED"
    JOB_PROGRESSED = "JOB_PROGRESSED"
    JOB_FAILED = "JOB_FAILED"
    JOB_CRASHED = "JOB_CRASHED"
    JOB_RETRIED = "JOB_RETRIED"
    JOB_COMPLETED = "JOB_COMPLETED"
    JOB_DEAD = "JOB_DEAD"
    JOB_CANCELLED = "JOB_CANCELLED"
    JOB_EXPIRED = "JOB_EXPIRED"
    JOB_RELEASED = "JOB_RELEASED"
    JOB_SNOOZED = "JOB_SNOOZED"
    JOB_REPLACED = "JOB_REPLACED"
    JOB_DELETED = "JOB_DELETED"
    QUEUE_PAUSED = "QUEUE_PAUSED"
    QUEUE_RESUMED = "QUEUE_RESUMED"
    QUEUE_PURGED = "QUEUE_PURGED"
    QUEUE_UPDATED = "QUEUE_UPDATED"
    WORKER_JOINED = "WORKER_JOINED"
    WORKER_LEFT = "WORKER_LEFT"


@dataclass(frozen=True, slots=True)
class PushedJob:
    """What became of a push.

    Attributes:
        id: The new job, or the job that holds the unique key.
        existing: True when nothing was stored because that job holds the key.
        replaced: True when that job took over the fields of this push.
    """

    id: str
    existing: bool = False
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class AttemptError:
    """One attempt that did not succeed."""

    attempt: int
    type: str
    message: str
    stack: str
    time: datetime | None
    worker: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a handler says it is: 0 to 100, and a line for people."""

    percent: float
    message: str
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the server knows it. The fields are those of `rockqueue.v1.Job`; moments are in UTC."""

    id: str
    queue: str
    name: str
    state: JobState
    priority: int
    attempt: int
    failures: int
    crashes: int
    releases: int
    snoozes: int
    dead_reason: DeadReason | None
    errors: tuple[AttemptError, ...]
    progress: Progress | None
    headers: dict[str, str]
    tags: tuple[str, ...]
    worker: str
    cancel_requested: bool
    create_time: datetime | None
    ready_time: datetime | None
    start_time: datetime | None
    finish_time: datetime | None
    purge_time: datetime | None
    proto: job_pb2.Job = field(repr=False, compare=False)
    codec: PayloadCodec = field(repr=False, compare=False)

    @property
    def payload(self) -> Any:
        """The handler's input, decoded; None in listings without `include_payload`. Raises PayloadError."""
        return decoded(self.codec, self.proto.spec.payload, self.proto.spec.content_type)

    @property
    def result(self) -> Any:
        """What the handler returned, decoded; None when it returned nothing. Raises PayloadError."""
        return decoded(self.codec, self.proto.result, self.proto.result_content_type)

    @classmethod
    def of(cls, job: job_pb2.Job, codec: PayloadCodec) -> Job:
        """The message as a value."""
        return cls(
            id=job.id,
            queue=job.spec.queue,
            name=job.spec.name,
            state=job_state(job.state),
            priority=job.spec.priority,
            attempt=job.attempt,
            failures=job.failures,
            crashes=job.crashes,
            releases=job.releases,
            snoozes=job.snoozes,
            dead_reason=dead_reason(job.dead_reason),
            errors=tuple(_attempt_error(error) for error in job.errors),
            progress=_progress(job.progress) if job.HasField("progress") else None,
            headers=dict(job.spec.headers),
            tags=tuple(job.spec.tags),
            worker=job.worker,
            cancel_requested=job.cancel_requested,
            create_time=moment(job, "create_time"),
            ready_time=moment(job, "ready_time"),
            start_time=moment(job, "start_time"),
            finish_time=moment(job, "finish_time"),
            purge_time=moment(job, "purge_time"),
            proto=job,
            codec=codec,
        )


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a handler logged on its job."""

    time: datetime
    text: str
    attempt: int


@dataclass(frozen=True, slots=True)
class JobLogs:
    """The last lines of a job, oldest first, and how many older ones were dropped."""

    lines: tuple[LogLine, ...]
    dropped: int

    @classmethod
    def of(cls, response: job_service_pb2.GetJobLogsResponse) -> JobLogs:
        """The message as a value."""
        lines = tuple(LogLine(from_timestamp(line.time), line.text, line.attempt) for line in response.lines)
        return cls(lines, response.dropped)


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of a call that names several jobs: how many it changed, and why it did not change the others."""

    affected: int
    failures: dict[str, RockQueueError]


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many jobs of a queue are in each state; the finished ones as long as they are kept."""

    waiting: int
    delayed: int
    active: int
    blocked: int
    completed: int
    dead: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue with its counts. `workers` is the number of worker sessions open on it; `proto.settings` its settings."""

    name: str
    paused: bool
    counts: QueueCounts
    workers: int
    oldest_ready_time: datetime | None
    create_time: datetime | None
    max_active: int | None
    max_backlog_jobs: int | None
    proto: queue_service_pb2.Queue = field(repr=False, compare=False)

    @classmethod
    def of(cls, queue: queue_service_pb2.Queue) -> Queue:
        """The message as a value."""
        counts, settings = queue.counts, queue.settings
        return cls(
            name=queue.name,
            paused=queue.paused,
            counts=QueueCounts(
                counts.waiting,
                counts.delayed,
                counts.active,
                counts.blocked,
                counts.completed,
                counts.dead,
                counts.cancelled,
            ),
            workers=queue.workers,
            oldest_ready_time=moment(queue, "oldest_ready_time"),
            create_time=moment(queue, "create_time"),
            max_active=settings.max_active if settings.HasField("max_active") else None,
            max_backlog_jobs=settings.max_backlog_jobs if settings.HasField("max_backlog_jobs") else None,
            proto=queue,
        )


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
            progress=_progress(event.progress) if event.HasField("progress") else None,
            error_type=event.error.type,
            error_message=event.error.message,
            purged=event.purged,
        )


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Version, capabilities (one name for each thing the server can do), limits and clock of the server."""

    version: str
    capabilities: frozenset[str]
    limits: server_service_pb2.Limits
    server_time: datetime

    @classmethod
    def of(cls, info: server_service_pb2.GetServerInfoResponse) -> ServerInfo:
        """The message as a value."""
        able = frozenset(one.name for one, value in info.capabilities.ListFields() if value)
        return cls(info.version, able, info.limits, from_timestamp(info.server_time))


def completed_result(job: Job) -> Any:
    """The decoded result of a finished job. Raises JobFailed when it is not COMPLETED, PayloadError."""
    if job.state is not JobState.COMPLETED:
        raise JobFailed.of(job)
    return job.result


def job_state(value: int) -> JobState:
    """The state for a number of the contract; UNKNOWN for one that this version does not know."""
    return _STATES.get(value, JobState.UNKNOWN)


def state_number(state: JobState | str) -> job_pb2.JobState:
    """The number of a state in the contract. Raises ValueError for a name that is none."""
    return cast(job_pb2.JobState, job_pb2.JobState.Value(f"JOB_STATE_{JobState(state).value}"))


def dead_reason(value: int) -> DeadReason | None:
    """The reason for a number of the contract; None when the job is not DEAD."""
    return _DEAD_REASONS.get(value, DeadReason.UNKNOWN) if value else None


def event_type(value: int) -> EventType | None:
    """The type for a number of the contract; None for one to skip because this version does not know it."""
    return _EVENT_TYPES.get(value)


def event_number(kind: EventType | str) -> event_service_pb2.EventType:
    """The number of an event type in the contract. Raises ValueError for a name that is none."""
    return cast(event_service_pb2.EventType, event_service_pb2.EventType.Value(f"EVENT_TYPE_{EventType(kind).value}"))


def moment(message: Message, name: str) -> datetime | None:
    """A timestamp field that may not be set."""
    if not message.HasField(name):
        return None
    value: Timestamp = getattr(message, name)
    return from_timestamp(value)


def duration_or_none(message: Message, name: str) -> float | None:
    """A duration field that may not be set, in seconds."""
    return from_duration(getattr(message, name)) if message.HasField(name) else None


def _attempt_error(error: job_pb2.AttemptError) -> AttemptError:
    return AttemptError(
        attempt=error.attempt,
        type=error.error.type,
        message=error.error.message,
        stack=error.error.stack,
        time=moment(error, "time"),
        worker=error.worker,
    )


def _progress(progress: job_pb2.JobProgress) -> Progress:
    return Progress(progress.percent, progress.message, moment(progress, "time"))


Named = TypeVar("Named", bound=StrEnum)


def _by_number(kind: type[Named], names: list[tuple[str, int]], prefix: str) -> dict[int, Named]:
    known = {member.value for member in kind}
    return {number: kind(name[len(prefix) :]) for name, number in names if name[len(prefix) :] in known}


_STATES = _by_number(JobState, job_pb2.JobState.items(), "JOB_STATE_")
_DEAD_REASONS = _by_number(DeadReason, job_pb2.DeadReason.items(), "DEAD_REASON_")
_EVENT_TYPES = _by_number(EventType, event_service_pb2.EventType.items(), "EVENT_TYPE_")
