"""What the columns hold: binary records with a fixed head, so that the hot path builds no messages.

Times are microseconds since 1970, 0 where not set.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from rockqueue.v1 import job_pb2
from rockqueue.v1.work_service_pb2 import Complete, Settlement

_HEAD = struct.Struct(">HIiQQQH")
_ACTIVE = struct.Struct(">IIIIIQQQII16sH")
_READY_AT = 28
"""Where the ready time stands in an active record."""
_DONE = struct.Struct(">IIIIIQQQIBBHHI")
_COUNTS = struct.Struct(">8q")
_TOKEN = struct.Struct(">II")
_HOLDER = struct.Struct(">16sQB")

_HEAD_BYTES = _HEAD.size
_new_tuple: Callable[[type[JobHead], tuple[object, ...]], JobHead] = tuple.__new__  # type: ignore[assignment]

TOKEN_BYTES = 24
BACKLOG_BYTES = 0
"""Where, in the counters of a queue, the bytes of its WAITING and DELAYED jobs stand: no state has this number."""
HISTORY = 20
"""How many errors of a job are kept."""

NOTED = 1
TOUCHED = 2
CANCEL_REQUESTED = 4
TAGGED = 64
"""Of a finished job: it stands in column `tags`."""
OF_FLOW = 8
_GRACE_SHIFT = 8
_GRACE_STEP_US = 100_000
"""The grace of the session that holds a delivery is in the upper bits of its flags, in tenths of a second."""


def grace_flags(grace_us: int) -> int:
    """The grace of a session, rounded up, as flags of an active record."""
    return -(-grace_us // _GRACE_STEP_US) << _GRACE_SHIFT


def flags_grace_us(flags: int) -> int:
    """The grace that is in flags."""
    return (flags >> _GRACE_SHIFT) * _GRACE_STEP_US


class JobHead(NamedTuple):
    """The part of a job that never changes, without its spec."""

    flags: int
    queue: int
    priority: int
    create_us: int
    run_us: int
    expire_us: int
    name: str


def pack_job(
    flags: int, queue: int, priority: int, create_us: int, run_us: int, expire_us: int, name: str, spec: bytes
) -> bytes:
    """Value of column `job`."""
    return job_prefix(flags, queue, priority, create_us, run_us, expire_us, name) + spec


def job_prefix(flags: int, queue: int, priority: int, create_us: int, run_us: int, expire_us: int, name: str) -> bytes:
    """What stands before the spec in a value of column `job`."""
    name_bytes = name.encode()
    return _HEAD.pack(flags, queue, priority, create_us, run_us, expire_us, len(name_bytes)) + name_bytes


def unpack_job(value: bytes) -> tuple[JobHead, bytes]:
    """Head and serialised spec."""
    *fixed, length = _HEAD.unpack_from(value)
    end = _HEAD_BYTES + length
    # Half the time of a delivery goes into small objects: this one is made without the checks of its constructor.
    return _new_tuple(JobHead, (*fixed, value[_HEAD_BYTES:end].decode())), value[end:]


def unpack_jobs(values: list[bytes]) -> list[tuple[JobHead, bytes]]:
    """The same for many. Jobs that were pushed together share a head, which is then read once."""
    found: list[tuple[JobHead, bytes]] = []
    prefix, size, head = b"", 0, None
    for value in values:
        if head is None or not value.startswith(prefix):
            head, spec = unpack_job(value)
            size = len(value) - len(spec)
            prefix = value[:size]
        else:
            spec = value[size:]
        found.append((head, spec))
    return found


class Counters:
    """How often a job was delivered, and how that went.

    What a job starts with are attributes of the class: setting them for each delivery takes longer than writing it.
    """

    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    releases: int = 0
    snoozes: int = 0
    start_us: int = 0
    worker: str = ""


def lease_token(job_id: bytes, attempt: int, epoch: int) -> bytes:
    """Names one delivery. The epoch tells apart attempts of the same number before and after a power loss."""
    return job_id + token_end(attempt, epoch)


def token_end(attempt: int, epoch: int) -> bytes:
    """What follows the job id in a token."""
    return _TOKEN.pack(attempt, epoch)


def token_parts(token: bytes) -> tuple[bytes, int, int] | None:
    """Job id, attempt, epoch; None when this is not one of our tokens."""
    if len(token) != TOKEN_BYTES:
        return None
    attempt, epoch = _TOKEN.unpack_from(token, 16)
    return token[:16], attempt, epoch


class ActiveRecord(NamedTuple):
    """A delivery, as it is found after a restart."""

    counters: Counters
    ready_us: int
    lease_us: int
    epoch: int
    flags: int
    session: bytes


def pack_active(
    counters: Counters, ready_us: int, lease_us: int, epoch: int, flags: int, session: bytes, worker: bytes
) -> bytes:
    """Value of column `active`. `session` is 16 bytes, zeros for a delivery that was pulled."""
    return (
        _ACTIVE.pack(
            counters.attempt,
            counters.failures,
            counters.crashes,
            counters.releases,
            counters.snoozes,
            counters.start_us,
            ready_us,
            lease_us,
            epoch,
            flags,
            session,
            len(worker),
        )
        + worker
    )


def active_around(
    start_us: int, lease_us: int, epoch: int, flags: int, session: bytes, worker: bytes
) -> tuple[bytes, bytes]:
    """What stands before and after the ready time, 8 bytes, in an active record of a job's first delivery."""
    first = Counters()
    first.attempt, first.start_us = 1, start_us
    whole = pack_active(first, 0, lease_us, epoch, flags, session, worker)
    return whole[:_READY_AT], whole[_READY_AT + 8 :]


def unpack_active(value: bytes) -> ActiveRecord:
    """The delivery."""
    counters = Counters()
    (
        counters.attempt,
        counters.failures,
        counters.crashes,
        counters.releases,
        counters.snoozes,
        counters.start_us,
        ready_us,
        lease_us,
        epoch,
        flags,
        session,
        length,
    ) = _ACTIVE.unpack_from(value)
    counters.worker = value[_ACTIVE.size : _ACTIVE.size + length].decode()
    return ActiveRecord(counters, ready_us, lease_us, epoch, flags, session)


@dataclass(slots=True)
class DoneRecord:
    """How a job finished."""

    counters: Counters
    ready_us: int
    finish_us: int
    purge_us: int
    epoch: int
    dead_reason: int
    flags: int
    content_type: str
    history: bytes
    result: bytes

    def completion(self, token: bytes) -> Settlement:
        """What a COMPLETED job was settled with, if that pushed no jobs."""
        complete = Complete(result=self.result, result_content_type=self.content_type)
        return Settlement(lease_token=token, complete=complete)


def pack_done(
    counters: Counters, finish_us: int, purge_us: int, epoch: int, dead_reason: int, flags: int,
    content_type: str, history: bytes, result: bytes,
) -> bytes:  # fmt: skip
    """Value of column `done`. `history` is a serialised `Job` that holds errors and progress only."""
    worker, media_type = counters.worker.encode(), content_type.encode()
    head = _DONE.pack(
        counters.attempt,
        counters.failures,
        counters.crashes,
        counters.releases,
        counters.snoozes,
        counters.start_us,
        finish_us,
        purge_us,
        epoch,
        dead_reason,
        flags,
        len(worker),
        len(media_type),
        len(history),
    )
    return b"".join((head, worker, media_type, history, result))


def unpack_done(value: bytes) -> DoneRecord:
    """How the job finished."""
    counters = Counters()
    (
        counters.attempt,
        counters.failures,
        counters.crashes,
        counters.releases,
        counters.snoozes,
        counters.start_us,
        finish_us,
        purge_us,
        epoch,
        dead_reason,
        flags,
        worker_bytes,
        type_bytes,
        history_bytes,
    ) = _DONE.unpack_from(value)
    type_at = _DONE.size + worker_bytes
    history_at = type_at + type_bytes
    result_at = history_at + history_bytes
    counters.worker = value[_DONE.size : type_at].decode()
    return DoneRecord(
        counters, 0, finish_us, purge_us, epoch, dead_reason, flags,
        value[type_at:history_at].decode(), value[history_at:result_at], value[result_at:],
    )  # fmt: skip


def pack_counts(counts: list[int]) -> bytes:
    """Counters of a queue: BACKLOG_BYTES, and its jobs by state, whose number is the index."""
    return _COUNTS.pack(*counts)


def unpack_counts(value: bytes) -> list[int]:
    """Counters of a queue."""
    return list(_COUNTS.unpack(value))


class Holder(NamedTuple):
    """The job that holds a unique key; `until_us` is the end of its window, 0 without one."""

    job_id: bytes
    until_us: int
    state: int


def pack_holder(holder: Holder) -> bytes:
    """Value of column `unique`."""
    return _HOLDER.pack(*holder)


def unpack_holder(value: bytes) -> Holder:
    """The holder."""
    return Holder(*_HOLDER.unpack(value))


def unique_key(queue: int, name: str, unique: job_pb2.UniqueKey) -> bytes:
    """Key of column `unique`. Queue and name cannot hold the NUL that ends them."""
    scope = name if unique.scope == job_pb2.UNIQUE_SCOPE_QUEUE_AND_NAME else ""
    return queue.to_bytes(4, "big") + scope.encode() + b"\x00" + unique.key.encode()
