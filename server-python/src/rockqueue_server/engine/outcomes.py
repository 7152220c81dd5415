"""The ways in which a delivery ends. Each fills the commit; memory changes when it is written.

Every function here takes a lease that is current and not yet ended in this commit.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import MAX_CRASHES, RETRY
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine import records
from rockqueue_server.engine.commit import Commit
from rockqueue_server.engine.finish import finish, read_spec
from rockqueue_server.engine.lookup import read_touched, show_counters
from rockqueue_server.engine.queue_state import backoff_of
from rockqueue_server.engine.takers import Lease
from rockqueue_server.rules import keys
from rockqueue_server.rules.backoff import Backoff, pause_us

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

_TYPE_CHARS = 256
_MESSAGE_CHARS = 8192
_STACK_CHARS = 32768
_WAITING, _DELAYED, _ACTIVE = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED, job_pb2.JOB_STATE_ACTIVE


def complete(engine: Engine, commit: Commit, lease: Lease, result: bytes, content_type: str) -> bool:
    """The handler succeeded. Returns whether the job is kept for as long as this has to be remembered."""
    history = b""
    if lease.touched:
        touched = read_touched(engine, lease)
        history = job_pb2.Job(errors=touched.errors).SerializeToString() if touched is not None else b""
    if "delete_before_done" in engine.defects:
        half = engine.commit(commit.now_us)
        _leave_active(engine, half, lease)
        half.write()
        raise RuntimeError("defect: stopped between the end of a delivery and that of its job")
    _leave_active(engine, commit, lease)
    stats = lease.queue.stats
    stats.run_s.observe((commit.now_us - lease.start_us) / 1e6)
    return finish(
        engine, commit, lease.queue, lease.job_id, lease.head, lease,
        old_state=_ACTIVE, state=job_pb2.JOB_STATE_COMPLETED, epoch=lease.epoch, flags=_flags(lease),
        history=history, content_type=content_type, result=result,
    )  # fmt: skip


def fail(
    engine: Engine,
    commit: Commit,
    lease: Lease,
    error: job_pb2.JobError,
    *,
    delay_us: int | None = None,
    never: bool = False,
) -> None:
    """The handler failed or timed out. `delay_us` overrides the policy's pause; `never` rules out a retry."""
    lease = _ended_copy(lease)
    lease.failures += 1
    lease.queue.stats.failed += 1
    lease.queue.stats.run_s.observe((commit.now_us - lease.start_us) / 1e6)
    clipped = clip_error(error)
    touched = _with_error(engine, commit, lease, clipped)
    _tell_attempt(engine, commit, lease, event_service_pb2.EVENT_TYPE_JOB_FAILED, clipped)
    policy = _policy(engine, lease)
    if lease.cancel_by_us:
        _finish(engine, commit, lease, touched, job_pb2.JOB_STATE_CANCELLED)
    elif never:
        _finish(engine, commit, lease, touched, job_pb2.JOB_STATE_DEAD, job_pb2.DEAD_REASON_NON_RETRYABLE, clipped)
    elif lease.failures >= policy.max_attempts:
        _finish(engine, commit, lease, touched, job_pb2.JOB_STATE_DEAD, job_pb2.DEAD_REASON_ATTEMPTS_EXHAUSTED, clipped)
    else:
        lease.queue.stats.retried += 1
        pause = pause_us(policy, lease.failures, engine.random.random()) if delay_us is None else delay_us
        _wait_again(engine, commit, lease, touched, commit.now_us + pause, delayed=pause > 0, announce=True)


def crash(engine: Engine, commit: Commit, lease: Lease) -> None:
    """The lease ran out, or the process that held it is known to be gone."""
    lease = _ended_copy(lease)
    lease.crashes += 1
    lease.queue.stats.crashed += 1
    error = job_pb2.JobError(type="CRASHED", message="the worker went away without settling the job")
    touched = _with_error(engine, commit, lease, error)
    _tell_attempt(engine, commit, lease, event_service_pb2.EVENT_TYPE_JOB_CRASHED, error)
    most = read_spec(engine, lease.job_id).max_crashes if lease.head.flags & MAX_CRASHES else limits.DEFAULT_MAX_CRASHES
    if lease.cancel_by_us:
        _finish(engine, commit, lease, touched, job_pb2.JOB_STATE_CANCELLED)
    elif lease.crashes >= most:
        _finish(engine, commit, lease, touched, job_pb2.JOB_STATE_DEAD, job_pb2.DEAD_REASON_POISONED, error)
    else:
        _wait_again(engine, commit, lease, touched, lease.ready_us, delayed=False, announce=True)


def release(engine: Engine, commit: Commit, lease: Lease, *, counted: bool = True) -> None:
    """Given back with its place. A cancel that was asked for takes effect now. `counted` adds to `releases`."""
    lease = _ended_copy(lease)
    if "charge_crash_on_release" in engine.defects:
        lease.crashes += 1
    touched = read_touched(engine, lease) or job_pb2.Job()
    if lease.cancel_by_us:
        _finish(engine, commit, lease, touched, job_pb2.JOB_STATE_CANCELLED)
        return
    lease.releases += counted
    lease.queue.stats.released += 1
    _event(engine, commit, lease, event_service_pb2.EVENT_TYPE_JOB_RELEASED, _WAITING)
    _wait_again(engine, commit, lease, touched, lease.ready_us, delayed=False, announce=False)


def snooze(engine: Engine, commit: Commit, lease: Lease, delay_us: int) -> None:
    """Put off by its handler. A cancel that was asked for takes effect now."""
    lease = _ended_copy(lease)
    touched = read_touched(engine, lease) or job_pb2.Job()
    if lease.cancel_by_us:
        _finish(engine, commit, lease, touched, job_pb2.JOB_STATE_CANCELLED)
        return
    lease.snoozes += 1
    lease.queue.stats.snoozed += 1
    if "snooze_counts_failure" in engine.defects:
        lease.failures += 1
    due_us = commit.now_us + delay_us
    state = _DELAYED if delay_us else _WAITING
    extra = _ready_extra(due_us) if delay_us else b""
    _event(engine, commit, lease, event_service_pb2.EVENT_TYPE_JOB_SNOOZED, state, extra)
    _wait_again(engine, commit, lease, touched, due_us, delayed=delay_us > 0, announce=False, keeps_turn=False)


def cancelled(engine: Engine, commit: Commit, lease: Lease) -> None:
    """The handler stopped because it was asked to, or did not stop in time."""
    lease = _ended_copy(lease)
    _finish(engine, commit, lease, read_touched(engine, lease) or job_pb2.Job(), job_pb2.JOB_STATE_CANCELLED)


def clip_error(error: job_pb2.JobError) -> job_pb2.JobError:
    """An error within the contract's bounds. Of a stack the end is kept: there it says what happened."""
    return job_pb2.JobError(
        type=error.type[:_TYPE_CHARS], message=error.message[:_MESSAGE_CHARS], stack=error.stack[-_STACK_CHARS:]
    )


def _ended_copy(lease: Lease) -> Lease:
    """A lease to count on: if the commit cannot be written, the real one must be as it was."""
    return copy(lease)


def _flags(lease: Lease) -> int:
    return (records.TOUCHED if lease.touched else 0) | (records.NOTED if lease.noted or lease.note else 0)


def _policy(engine: Engine, lease: Lease) -> Backoff:
    policy = lease.queue.backoff
    if lease.head.flags & RETRY:
        policy = backoff_of(read_spec(engine, lease.job_id).retry)
    if "no_jitter_cap" in engine.defects:
        return Backoff(policy.kind, policy.base_us, 1 << 60, policy.jitter, policy.max_attempts)
    return policy


def _with_error(engine: Engine, commit: Commit, lease: Lease, error: job_pb2.JobError) -> job_pb2.Job:
    """The job's history with one more error, the oldest dropped when there are too many."""
    touched = read_touched(engine, lease) or job_pb2.Job()
    if len(touched.errors) >= records.HISTORY:
        del touched.errors[: len(touched.errors) - records.HISTORY + 1]
    touched.errors.add(attempt=lease.attempt, time=timestamp(commit.now_us), error=error, worker=lease.worker)
    return touched


def _leave_active(engine: Engine, commit: Commit, lease: Lease) -> None:
    commit.delete(lease.job_id, engine.columns.active_h)
    if lease.note is not None:
        engine.notes.write(commit, lease)


def _finish(
    engine: Engine,
    commit: Commit,
    lease: Lease,
    touched: job_pb2.Job,
    state: int,
    dead_reason: int = 0,
    error: job_pb2.JobError | None = None,
) -> None:
    _leave_active(engine, commit, lease)
    finish(
        engine, commit, lease.queue, lease.job_id, lease.head, lease,
        old_state=_ACTIVE, state=state, dead_reason=dead_reason, error=error, epoch=lease.epoch, flags=_flags(lease),
        history=job_pb2.Job(errors=touched.errors).SerializeToString(),
    )  # fmt: skip


def _wait_again(
    engine: Engine,
    commit: Commit,
    lease: Lease,
    touched: job_pb2.Job,
    ready_us: int,
    *,
    delayed: bool,
    announce: bool,
    keeps_turn: bool = True,
) -> None:
    """Back among those that wait, with its counters and history in column `touched`."""
    _leave_active(engine, commit, lease)
    state = _DELAYED if delayed else _WAITING
    record = job_pb2.Job(state=state, ready_time=timestamp(ready_us), errors=touched.errors)
    show_counters(record, lease)
    commit.put(lease.job_id, record.SerializeToString(), engine.columns.touched_h)
    queue = lease.queue
    if lease.group is not None:
        commit.groups.came_back(queue, lease.job_id, lease.group.key, keeps_turn=keeps_turn)
    deltas = commit.deltas(queue)
    deltas[_ACTIVE] -= 1
    deltas[state] += 1
    deltas[records.BACKLOG_BYTES] += lease.spec_bytes
    if delayed:
        commit.add_delayed(queue, ready_us, lease.job_id, touched=True)
    else:
        commit.add_ready(queue, keys.ready_key(queue.number, lease.head.priority, ready_us, lease.job_id), touched=True)
    if announce:
        if delayed:
            _event(engine, commit, lease, event_service_pb2.EVENT_TYPE_JOB_DELAYED, state, _ready_extra(ready_us))
        else:
            _event(engine, commit, lease, event_service_pb2.EVENT_TYPE_JOB_READY, state)


def _ready_extra(ready_us: int) -> bytes:
    return event_service_pb2.Event(ready_time=timestamp(ready_us)).SerializeToString()


def _tell_attempt(engine: Engine, commit: Commit, lease: Lease, type_: int, error: job_pb2.JobError) -> None:
    event = event_service_pb2.Event(worker=lease.worker)
    event.error.type, event.error.message = error.type, error.message
    _event(engine, commit, lease, type_, _ACTIVE, event.SerializeToString())


def _event(engine: Engine, commit: Commit, lease: Lease, type_: int, state: int, extra: bytes = b"") -> None:
    extra = engine.origins.told(lease.head, lease.job_id, extra)
    commit.event(type_, state, lease.queue.number, lease.attempt, lease.head.name, lease.job_id, extra)
