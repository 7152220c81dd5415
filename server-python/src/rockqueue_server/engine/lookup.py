"""Finds a job by its id, wherever it is, and shows it as the contract's `Job`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2
from rockqueue_server.contract.admission import FLOW
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine.flows.records import blocked_key, unpack_pending
from rockqueue_server.engine.records import Counters, DoneRecord, JobHead, unpack_done, unpack_job
from rockqueue_server.engine.takers import Lease
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import id_text

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState

FINISHED = (job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_DEAD, job_pb2.JOB_STATE_CANCELLED)


@dataclass(slots=True)
class Found:
    """A job and where it is. `touched`, `lease` and `done` are there as its state has them. Times in microseconds."""

    job_id: bytes
    queue: QueueState
    head: JobHead
    spec: bytes
    state: int
    ready_us: int = 0
    touched: job_pb2.Job | None = None
    lease: Lease | None = None
    done: DoneRecord | None = None

    @property
    def counters(self) -> Counters:
        """How often the job was delivered, and how that went."""
        if self.lease is not None:
            return self.lease
        if self.done is not None:
            return self.done.counters
        return counters_of(self.touched) if self.touched is not None else Counters()

    @property
    def ready_key(self) -> bytes:
        """Its key in column `ready`, if it is WAITING."""
        return keys.ready_key(self.queue.number, self.head.priority, self.ready_us, self.job_id)


def counters_of(touched: job_pb2.Job) -> Counters:
    """The counters of a job that was delivered before."""
    counters = Counters()
    counters.attempt = touched.attempt
    counters.failures = touched.failures
    counters.crashes = touched.crashes
    counters.releases = touched.releases
    counters.snoozes = touched.snoozes
    counters.start_us = touched.start_time.ToMicroseconds() if touched.HasField("start_time") else 0
    counters.worker = touched.worker
    return counters


def find(engine: Engine, job_id: bytes, value: bytes | None = None) -> Found | None:
    """The job, or None. `value` is its record, if it was read already."""
    columns = engine.columns
    value = value or columns.job.get(job_id)
    if value is None:
        return None
    head, spec = unpack_job(value)
    queue = engine.queues.by_number[head.queue]
    lease = engine.leases.by_job.get(job_id)
    if lease is not None:
        return Found(
            job_id, queue, head, spec, job_pb2.JOB_STATE_ACTIVE, lease=lease, touched=read_touched(engine, lease)
        )
    touched = columns.touched.get(job_id)
    if touched is not None:
        record = job_pb2.Job.FromString(touched)
        return Found(job_id, queue, head, spec, record.state, record.ready_time.ToMicroseconds(), touched=record)
    rows = columns.done.get_many([keys.done_key(head.queue, state, job_id) for state in FINISHED])
    for state, row in zip(FINISHED, rows, strict=True):
        if row is not None:
            return Found(job_id, queue, head, spec, state, done=unpack_done(row))
    return _find_new(engine, job_id, queue, head, spec)


def _find_new(engine: Engine, job_id: bytes, queue: QueueState, head: JobHead, spec: bytes) -> Found:
    """A job that has not ended, and has no history."""
    columns = engine.columns
    if head.flags & FLOW and columns.blocked.get(blocked_key(head.queue, job_id)) is not None:
        return Found(job_id, queue, head, spec, job_pb2.JOB_STATE_BLOCKED)
    ready_us = head.run_us or head.create_us
    state = job_pb2.JOB_STATE_WAITING
    if head.run_us and columns.delayed.get(keys.delayed_key(head.queue, head.run_us, job_id)) is not None:
        state = job_pb2.JOB_STATE_DELAYED
    return Found(job_id, queue, head, spec, state, ready_us)


def read_touched(engine: Engine, lease: Lease) -> job_pb2.Job | None:
    """The history of a job that is with a worker, if it has one."""
    if not lease.touched:
        return None
    value = engine.columns.touched.get(lease.job_id)
    return job_pb2.Job.FromString(value) if value is not None else None


def show(engine: Engine, found: Found, *, payload: bool = True) -> job_pb2.Job:
    """The job as callers see it."""
    job = job_pb2.Job(id=id_text(found.job_id), create_time=timestamp(found.head.create_us))
    job.state = found.state  # type: ignore[assignment]
    job.spec.ParseFromString(found.spec)
    if not payload:
        job.spec.ClearField("payload")
    counters = found.counters
    show_counters(job, counters)
    if found.state in (job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED):
        job.ready_time.CopyFrom(timestamp(found.ready_us))
    elif found.state == job_pb2.JOB_STATE_BLOCKED:
        value = engine.columns.blocked.get(blocked_key(found.queue.number, found.job_id))
        job.pending_parents = unpack_pending(value or b"").bit_count()
    if found.touched is not None:
        job.errors.extend(found.touched.errors)
    if found.lease is not None:
        job.cancel_requested = found.lease.cancel_by_us > 0
    if found.done is not None:
        _show_done(job, found.done, payload=payload)
    progress = engine.notes.progress(found.job_id)
    if progress is not None:
        job.progress.CopyFrom(progress)
    return job


def show_counters(job: job_pb2.Job, counters: Counters) -> None:
    """Fills in how often the job was delivered, and how that went."""
    job.attempt = counters.attempt
    job.failures = counters.failures
    job.crashes = counters.crashes
    job.releases = counters.releases
    job.snoozes = counters.snoozes
    job.worker = counters.worker
    if counters.start_us:
        job.start_time.CopyFrom(timestamp(counters.start_us))


def _show_done(job: job_pb2.Job, done: DoneRecord, *, payload: bool) -> None:
    job.finish_time.CopyFrom(timestamp(done.finish_us))
    job.purge_time.CopyFrom(timestamp(done.purge_us))
    job.dead_reason = done.dead_reason  # type: ignore[assignment]
    job.result_content_type = done.content_type
    if payload:
        job.result = done.result
    if done.history:
        job.errors.extend(job_pb2.Job.FromString(done.history).errors)
