"""What a producer may ask for besides the payload, and how it becomes a JobSpec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypedDict, TypeVar, Unpack, cast

from rockqueue._durations import Seconds, to_duration, to_timestamp
from rockqueue._payloads import PayloadCodec, encoded
from rockqueue.v1 import job_pb2

T = TypeVar("T")

_KINDS = {
    "fixed": job_pb2.BACKOFF_KIND_FIXED,
    "linear": job_pb2.BACKOFF_KIND_LINEAR,
    "exponential": job_pb2.BACKOFF_KIND_EXPONENTIAL,
}
_SCOPES = {"queue": job_pb2.UNIQUE_SCOPE_QUEUE, "queue_and_name": job_pb2.UNIQUE_SCOPE_QUEUE_AND_NAME}
_UNTIL = {"started": job_pb2.UNIQUE_UNTIL_STARTED, "finished": job_pb2.UNIQUE_UNTIL_FINISHED}
_CONFLICTS = {
    "return_existing": job_pb2.UNIQUE_CONFLICT_RETURN_EXISTING,
    "reject": job_pb2.UNIQUE_CONFLICT_REJECT,
    "replace": job_pb2.UNIQUE_CONFLICT_REPLACE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed attempt is repeated, and how often. A field that is None takes the server's default.

    Attributes:
        kind: "fixed", "linear" or "exponential". Default: exponential.
        base: The first pause. Default: 1 s.
        max_delay: The longest pause, before jitter. Default: 1 h.
        jitter: How far chance may stretch or shorten a pause, 0 to 1. Default: 0.1.
        max_attempts: After this many failures the job is DEAD; 1 means no retry. Default: 3.
    """

    kind: Literal["fixed", "linear", "exponential"] | None = None
    base: Seconds | None = None
    max_delay: Seconds | None = None
    jitter: float | None = None
    max_attempts: int | None = None

    def to_proto(self) -> job_pb2.RetryPolicy:
        """The policy as the contract carries it."""
        return job_pb2.RetryPolicy(
            kind=choice(_KINDS, self.kind, "kind") if self.kind else job_pb2.BACKOFF_KIND_UNSPECIFIED,
            base=None if self.base is None else to_duration(self.base),
            max_delay=None if self.max_delay is None else to_duration(self.max_delay),
            jitter=self.jitter,
            max_attempts=self.max_attempts,
        )


@dataclass(frozen=True, slots=True)
class Unique:
    """At most one job at a time holds `key`.

    Attributes:
        key: 1 to 512 bytes of UTF-8.
        scope: Among the jobs of the "queue", or those with the same name in it: "queue_and_name".
        until: The job holds the key until it is "finished", or only until it is "started".
        window: Instead of `until`: for this long after the push, whatever becomes of the job.
        on_conflict: What a push meets that finds the key held. "return_existing" gives the holder's id; "reject" raises
            UniqueConflict; "replace" puts payload, priority and start time of this push into the holder (a debounce).
    """

    key: str
    scope: Literal["queue", "queue_and_name"] = "queue"
    until: Literal["started", "finished"] = "finished"
    window: Seconds | None = None
    on_conflict: Literal["return_existing", "reject", "replace"] = "return_existing"

    def to_proto(self) -> job_pb2.UniqueKey:
        """The rule as the contract carries it."""
        message = job_pb2.UniqueKey(
            key=self.key,
            scope=choice(_SCOPES, self.scope, "scope"),
            on_conflict=choice(_CONFLICTS, self.on_conflict, "on_conflict"),
        )
        if self.window is None:
            message.state = choice(_UNTIL, self.until, "until")
        else:
            message.window.CopyFrom(to_duration(self.window))
        return message


class JobOptions(TypedDict, total=False):
    """Options of a push; None is the same as leaving an option out.

    priority: Higher first; default 0.
    delay or run_time: Not before this long from now, or not before this moment.
    ttl or expire_time: DEAD (EXPIRED) when not started within this long, or by this moment.
    timeout: The longest one attempt may run.
    retry, max_attempts: The retry policy; `max_attempts` alone keeps the other defaults. Default: the queue's policy.
    max_crashes: Deliveries that may end with the worker gone; default 3.
    unique: At most one job at a time for a key; a str is the key with the default rules.
    headers, tags: Strings that travel with the job; labels to find it by.
    cancel_grace: How long a handler may take to stop when it is asked to; default 10 s.
    retention: How long the finished job stays readable; default: the queue's setting.
    group: A tenant, an account, an order: groups of a queue are served in turn, and may have limits of their own.
    """

    priority: int | None
    delay: Seconds | None
    run_time: datetime | None
    ttl: Seconds | None
    expire_time: datetime | None
    timeout: Seconds | None
    retry: RetryPolicy | None
    max_attempts: int | None
    max_crashes: int | None
    unique: Unique | str | None
    headers: Mapping[str, str] | None
    tags: Iterable[str] | None
    cancel_grace: Seconds | None
    retention: Seconds | None
    group: str | None


@dataclass(frozen=True, slots=True, init=False)
class NewJob:
    """A job to push: what `push_many`, `push` and `JobContext.follow_up` take."""

    queue: str
    name: str
    payload: Any
    options: JobOptions = field(default_factory=JobOptions)

    def __init__(self, queue: str, name: str, payload: Any = None, **options: Unpack[JobOptions]) -> None:
        object.__setattr__(self, "queue", queue)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "payload", payload)
        object.__setattr__(self, "options", options)

    def with_options(self, **options: Unpack[JobOptions]) -> NewJob:
        """The same job with some options set: what a push middleware hands on."""
        return NewJob(self.queue, self.name, self.payload, **cast(JobOptions, {**self.options, **options}))


def build_spec(queue: str, name: str, payload: Any, options: JobOptions, codec: PayloadCodec) -> job_pb2.JobSpec:
    """The job as the contract carries it.

    Raises PayloadError when the codec cannot write the payload, TypeError for an unknown option, ValueError for one
    that makes no sense on its own; what only the server can judge is left to it.
    """
    data, content_type = encoded(codec, payload)
    spec = job_pb2.JobSpec(queue=queue, name=name, payload=data, content_type=content_type)
    if options:
        _apply(spec, options)
    return spec


def _apply(spec: job_pb2.JobSpec, options: JobOptions) -> None:
    if options.get("delay") is not None and options.get("run_time") is not None:
        raise ValueError("delay and run_time exclude each other")
    if options.get("ttl") is not None and options.get("expire_time") is not None:
        raise ValueError("ttl and expire_time exclude each other")
    for option, value in options.items():
        if option not in JobOptions.__annotations__:
            raise TypeError(f"unknown job option {option!r}; there are: {', '.join(JobOptions.__annotations__)}")
        if value is None:
            continue
        if option in ("priority", "max_crashes", "group"):
            setattr(spec, option, value)
        elif option in ("delay", "ttl", "timeout", "cancel_grace", "retention"):
            getattr(spec, option).CopyFrom(to_duration(value))  # type: ignore[arg-type]
        elif option in ("run_time", "expire_time"):
            getattr(spec, option).CopyFrom(to_timestamp(value, option))  # type: ignore[arg-type]
    _apply_structures(spec, options)


def _apply_structures(spec: job_pb2.JobSpec, options: JobOptions) -> None:
    retry, max_attempts = options.get("retry"), options.get("max_attempts")
    if max_attempts is not None:
        retry = replace(retry or RetryPolicy(), max_attempts=max_attempts)
    if retry is not None:
        spec.retry.CopyFrom(retry.to_proto())
    unique = options.get("unique")
    if unique is not None:
        spec.unique.CopyFrom((Unique(unique) if isinstance(unique, str) else unique).to_proto())
    headers = options.get("headers")
    if headers:
        spec.headers.update(headers)
    tags = options.get("tags")
    if isinstance(tags, str):
        raise TypeError(f"tags must be a list of strings, not the string {tags!r}")
    if tags:
        spec.tags.extend(tags)


def choice(table: Mapping[str, T], value: str, option: str) -> T:
    """What stands for a word. Raises ValueError, naming `option`, for a word that is not in the table."""
    if value not in table:
        raise ValueError(f"{option} must be one of {', '.join(table)}, not {value!r}")
    return table[value]
