"""Decides whether a job may be stored, and turns its relative times into moments."""

from __future__ import annotations

from typing import NamedTuple

from rockqueue.v1 import job_pb2
from rockqueue_server.contract import limits, times
from rockqueue_server.contract.problems import QUEUE_RULE, Problems, valid_media_type, valid_name, valid_queue

UNIQUE = 1
EXPIRES = 2
TIMEOUT = 4
RETENTION = 8
RETRY = 16
MAX_CRASHES = 32
CANCEL_GRACE = 64
ORIGIN = 128
GROUP = 256
TAGS = 4096
FLOW = 512
"""The origin of the job is a flow. Set by the push of the flow."""
SPECIAL = UNIQUE | EXPIRES | TIMEOUT | ORIGIN
"""Flags of a job whose first delivery is not made together with others."""


class Admitted(NamedTuple):
    """A job that may be stored. Times in microseconds since 1970; 0 means not set."""

    queue: str
    name: str
    priority: int
    flags: int
    run_us: int
    expire_us: int
    spec: bytes
    group: str = ""


def admit(spec: job_pb2.JobSpec, prefix: str, index: int, now_us: int, problems: Problems) -> Admitted:
    """Checks one job of a push; `prefix[index]` names it in problems. The same as `admit_at` for jobs of callers."""
    if spec.HasField("origin"):
        problems.add(f"{prefix}[{index}].origin", "is set by the server")
    return admit_at(spec, f"{prefix}[{index}]", now_us, problems)


def admit_at(spec: job_pb2.JobSpec, path: str, now_us: int, problems: Problems) -> Admitted:
    """Checks one job, which may have an origin; `path` names it in problems.

    Replaces `delay` and `ttl` in `spec` by the moments they mean. What is returned after a problem must not be used.
    """
    queue, name = spec.queue, spec.name
    if not valid_queue(queue):
        problems.add(f"{path}.queue", QUEUE_RULE)
    if not valid_name(name):
        problems.add(f"{path}.name", "must be 1 to 256 characters of A-Z a-z 0-9 . _ -")
    payload_bytes = len(spec.payload)
    if payload_bytes > limits.PAYLOAD_BYTES:
        problems.over(f"{path}.payload", limits.PAYLOAD_BYTES, payload_bytes, "bytes")
    if not valid_media_type(spec.content_type):
        problems.media_type(f"{path}.content_type", spec.content_type)
    if spec.headers:
        _check_headers(spec, path, problems)
    tagged = _check_tags(spec, path, problems) if spec.tags else 0
    run_us = _start(spec, path, now_us, problems) if spec.WhichOneof("start") else 0
    flags = _options(spec, path, problems) | tagged
    expire_us = 0
    if spec.WhichOneof("expiry"):
        expire_us = _expiry(spec, path, now_us, run_us, problems)
        flags |= EXPIRES
    return Admitted(queue, name, spec.priority, flags, run_us, expire_us, spec.SerializeToString(), spec.group)


def _start(spec: job_pb2.JobSpec, path: str, now_us: int, problems: Problems) -> int:
    """The start time, 0 for now."""
    if spec.HasField("delay"):
        delay_us = problems.duration(f"{path}.delay", spec.delay, limits.MAX_DELAY_US)
        run_us = now_us + delay_us if delay_us else 0
    else:
        run_us = problems.timestamp(f"{path}.run_time", spec.run_time)
        if run_us > now_us + limits.MAX_DELAY_US:
            problems.over(
                f"{path}.run_time",
                limits.MAX_DELAY_US // limits.SECOND_US,
                (run_us - now_us) // limits.SECOND_US,
                "seconds ahead",
            )
    if run_us <= now_us:
        spec.ClearField("start")
        return 0
    spec.run_time.CopyFrom(times.timestamp(run_us))
    return run_us


def _expiry(spec: job_pb2.JobSpec, path: str, now_us: int, run_us: int, problems: Problems) -> int:
    if spec.HasField("ttl"):
        ttl_us = problems.duration(f"{path}.ttl", spec.ttl, limits.MAX_DELAY_US, least_us=1)
        expire_us = now_us + ttl_us
        field = "ttl"
    else:
        expire_us = problems.timestamp(f"{path}.expire_time", spec.expire_time)
        field = "expire_time"
    if run_us and expire_us <= run_us and not problems.full:
        problems.add(f"{path}.{field}", "must be later than the start of the job")
    spec.expire_time.CopyFrom(times.timestamp(expire_us))
    return expire_us


def _options(spec: job_pb2.JobSpec, path: str, problems: Problems) -> int:
    """Checks the options that few jobs bring, and tells by flags which are there."""
    flags = 0
    if spec.HasField("timeout"):
        problems.duration(f"{path}.timeout", spec.timeout, limits.MAX_DELAY_US, least_us=1)
        flags |= TIMEOUT
    if spec.HasField("retry"):
        check_retry(spec.retry, f"{path}.retry", problems)
        flags |= RETRY
    if spec.HasField("max_crashes"):
        if not 1 <= spec.max_crashes <= limits.ATTEMPTS:
            problems.add(f"{path}.max_crashes", "must be 1 to 1000")
        flags |= MAX_CRASHES
    if spec.HasField("unique"):
        _check_unique(spec.unique, f"{path}.unique", problems)
        flags |= UNIQUE
    if spec.HasField("cancel_grace"):
        problems.duration(f"{path}.cancel_grace", spec.cancel_grace, limits.MAX_DELAY_US)
        flags |= CANCEL_GRACE
    if spec.HasField("retention"):
        problems.duration(f"{path}.retention", spec.retention, limits.MAX_DELAY_US)
        flags |= RETENTION
    if spec.group:
        check_group(spec.group, f"{path}.group", problems)
        flags |= GROUP
    if spec.HasField("origin"):
        flags |= ORIGIN
    return flags


def check_group(key: str, path: str, problems: Problems) -> None:
    """Checks the key of a group."""
    problems.text(path, key, limits.GROUP_KEY_BYTES)
    if len(key.encode()) > limits.GROUP_KEY_BYTES:
        problems.add(path, f"must be at most {limits.GROUP_KEY_BYTES} bytes of UTF-8")


def check_retry(policy: job_pb2.RetryPolicy, path: str, problems: Problems) -> None:
    """Checks a retry policy of a job or a queue."""
    problems.known_enum(f"{path}.kind", policy.kind, job_pb2.BackoffKind)
    if policy.HasField("base"):
        problems.duration(f"{path}.base", policy.base, limits.MAX_DELAY_US)
    if policy.HasField("max_delay"):
        problems.duration(f"{path}.max_delay", policy.max_delay, limits.MAX_DELAY_US)
    if policy.HasField("jitter") and not 0 <= policy.jitter <= 1:
        problems.add(f"{path}.jitter", "must be 0 to 1")
    if policy.HasField("max_attempts"):
        if policy.max_attempts > limits.ATTEMPTS:
            problems.over(f"{path}.max_attempts", limits.ATTEMPTS, policy.max_attempts, "attempts")
        elif policy.max_attempts < 1:
            problems.add(f"{path}.max_attempts", "must be 1 to 1000")


def _check_unique(unique: job_pb2.UniqueKey, path: str, problems: Problems) -> None:
    problems.text(f"{path}.key", unique.key, limits.UNIQUE_KEY_BYTES)
    if len(unique.key.encode()) > limits.UNIQUE_KEY_BYTES:
        problems.add(f"{path}.key", f"must be at most {limits.UNIQUE_KEY_BYTES} bytes of UTF-8")
    problems.known_enum(f"{path}.scope", unique.scope, job_pb2.UniqueScope)
    problems.known_enum(f"{path}.on_conflict", unique.on_conflict, job_pb2.UniqueConflict)
    if unique.HasField("window"):
        problems.duration(f"{path}.window", unique.window, limits.MAX_DELAY_US, least_us=1)
    else:
        problems.known_enum(f"{path}.state", unique.state, job_pb2.UniqueUntil)


def _check_headers(spec: job_pb2.JobSpec, path: str, problems: Problems) -> None:
    total = 0
    for key, value in spec.headers.items():
        if not valid_name(key) or len(key) > limits.HEADER_KEY_CHARS:
            problems.add(f"{path}.headers", "keys must be 1 to 128 characters of A-Z a-z 0-9 . _ -")
            return
        total += len(key) + len(value.encode())
    if total > limits.HEADER_BYTES:
        problems.over(f"{path}.headers", limits.HEADER_BYTES, total, "bytes")


def _check_tags(spec: job_pb2.JobSpec, path: str, problems: Problems) -> int:
    """The flag of a job that has tags."""
    if len(spec.tags) > limits.TAGS:
        problems.over(f"{path}.tags", limits.TAGS, len(spec.tags), "tags")
        return TAGS
    for index, tag in enumerate(spec.tags):
        problems.text(f"{path}.tags[{index}]", tag, limits.TAG_CHARS)
    if len(set(spec.tags)) != len(spec.tags):
        problems.add(f"{path}.tags", "must hold each tag once")
    return TAGS
