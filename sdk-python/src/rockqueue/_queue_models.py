"""What the server knows of queues and groups, and why it delivers nothing, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from rockqueue._durations import Seconds, moment, span, to_duration
from rockqueue._states import ExplanationKind, JobState, explanation_kind, job_state
from rockqueue.v1 import job_service_pb2, queue_service_pb2


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many deliveries there may be in a time: a bucket of `burst` that fills up evenly.

    Attributes:
        count: So many deliveries.
        period: In this time. Default: 1 s.
        burst: How many may come at once after a pause. Default: `count`.
    """

    count: int
    period: Seconds | None = None
    burst: int | None = None

    @classmethod
    def of(cls, rate: queue_service_pb2.RateLimit) -> RateLimit:
        """The message as a value."""
        return cls(rate.count, span(rate, "period"), rate.burst if rate.HasField("burst") else None)

    def to_proto(self) -> queue_service_pb2.RateLimit:
        """The limit as the contract carries it."""
        period = None if self.period is None else to_duration(self.period)
        return queue_service_pb2.RateLimit(count=self.count, period=period, burst=self.burst)


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
    """A queue with its counts; `proto.settings` are all of its settings.

    Attributes:
        workers: How many worker sessions are open on it.
        backlog_bytes: How many bytes the jobs that are WAITING or DELAYED have, what `max_backlog_bytes` limits.
    """

    name: str
    paused: bool
    counts: QueueCounts
    workers: int
    backlog_bytes: int
    oldest_ready_time: datetime | None
    create_time: datetime | None
    max_active: int | None
    max_backlog_jobs: int | None
    max_backlog_bytes: int | None
    rate: RateLimit | None
    group_max_active: int | None
    group_rate: RateLimit | None
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
            backlog_bytes=queue.backlog_bytes,
            oldest_ready_time=moment(queue, "oldest_ready_time"),
            create_time=moment(queue, "create_time"),
            max_active=settings.max_active if settings.HasField("max_active") else None,
            max_backlog_jobs=settings.max_backlog_jobs if settings.HasField("max_backlog_jobs") else None,
            max_backlog_bytes=settings.max_backlog_bytes if settings.HasField("max_backlog_bytes") else None,
            rate=RateLimit.of(settings.rate) if settings.HasField("rate") else None,
            group_max_active=settings.group_max_active if settings.HasField("group_max_active") else None,
            group_rate=RateLimit.of(settings.group_rate) if settings.HasField("group_rate") else None,
            proto=queue,
        )


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a queue: its own settings (None: the queue's), and how many of its jobs wait and run."""

    key: str
    weight: int | None
    max_active: int | None
    rate: RateLimit | None
    waiting: int
    active: int

    @classmethod
    def of(cls, group: queue_service_pb2.Group) -> Group:
        """The message as a value."""
        settings = group.settings
        return cls(
            key=group.key,
            weight=settings.weight if settings.HasField("weight") else None,
            max_active=settings.max_active if settings.HasField("max_active") else None,
            rate=RateLimit.of(settings.rate) if settings.HasField("rate") else None,
            waiting=group.waiting,
            active=group.active,
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason why a job is where it is, or why a queue delivers nothing.

    Attributes:
        kind: Which reason.
        message: For people: what holds the job, with figures, and what to do about it.
        until_time: With DELAYED, QUEUE_RATE and GROUP_RATE: until when.
        job_ids: With BLOCKED: the parents that are not finished, up to 100.
        count: With QUEUE_MAX_ACTIVE and GROUP_MAX_ACTIVE: the limit. With BEHIND: how many jobs come first.
        worker: With RUNNING and CANCELLING: the worker's name.
    """

    kind: ExplanationKind
    message: str
    until_time: datetime | None
    job_ids: tuple[str, ...]
    count: int
    worker: str

    @classmethod
    def of(cls, reason: job_service_pb2.Explanation) -> Explanation:
        """The message as a value."""
        return cls(
            kind=explanation_kind(reason.kind),
            message=reason.message,
            until_time=moment(reason, "until_time"),
            job_ids=tuple(reason.job_ids),
            count=reason.count,
            worker=reason.worker,
        )


@dataclass(frozen=True, slots=True)
class JobExplanation:
    """Why a job is not running, or that it is: its state, and every reason, the one that will last longest first."""

    state: JobState
    reasons: tuple[Explanation, ...]

    @classmethod
    def of(cls, response: job_service_pb2.ExplainJobResponse) -> JobExplanation:
        """The message as a value."""
        return cls(job_state(response.state), tuple(Explanation.of(reason) for reason in response.reasons))
