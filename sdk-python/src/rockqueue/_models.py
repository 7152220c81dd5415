"""What the server knows of jobs and itself, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rockqueue._durations import from_timestamp, moment
from rockqueue._errors import JobFailed, RockQueueError
from rockqueue._payloads import PayloadCodec, decoded
from rockqueue._states import DeadReason, JobState, dead_reason, job_state
from rockqueue.v1 import job_pb2, job_service_pb2, server_service_pb2


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
class JobOrigin:
    """What pushed a job, if it was not a caller.

    Attributes:
        schedule: The schedule that fired.
        slot_time: The due moment that the job stands for; schedule and slot together are the job's identity.
        flow_id: The flow that the job is part of.
        flow_node: The job's name in its flow.
    """

    schedule: str | None = None
    slot_time: datetime | None = None
    flow_id: str | None = None
    flow_node: str | None = None

    @classmethod
    def of(cls, spec: job_pb2.JobSpec) -> JobOrigin:
        """The origin of a job; without anything in it where a caller pushed the job."""
        if not spec.HasField("origin"):
            return _PUSHED_BY_A_CALLER
        origin = spec.origin
        return cls(
            origin.schedule or None, moment(origin, "slot_time"), origin.flow_id or None, origin.flow_node or None
        )


_PUSHED_BY_A_CALLER = JobOrigin()


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
    group: str | None
    origin: JobOrigin
    pending_parents: int
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
            progress=progress_of(job.progress) if job.HasField("progress") else None,
            headers=dict(job.spec.headers),
            tags=tuple(job.spec.tags),
            group=job.spec.group or None,
            origin=JobOrigin.of(job.spec),
            pending_parents=job.pending_parents,
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


def _attempt_error(error: job_pb2.AttemptError) -> AttemptError:
    return AttemptError(
        attempt=error.attempt,
        type=error.error.type,
        message=error.error.message,
        stack=error.error.stack,
        time=moment(error, "time"),
        worker=error.worker,
    )


def progress_of(progress: job_pb2.JobProgress) -> Progress:
    """The message as a value."""
    return Progress(progress.percent, progress.message, moment(progress, "time"))
