"""What an operator does to jobs: cancel, put back, delete. Each function decides one job within a commit.

Jobs of a batch are different jobs: the caller sees to that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2, work_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import EXPIRES, GROUP, ORIGIN, TAGS, UNIQUE
from rockqueue_server.contract.states import state_name
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine import dedup, outcomes, records, tags
from rockqueue_server.engine.commit import Commit
from rockqueue_server.engine.finish import finish
from rockqueue_server.engine.lookup import FINISHED, Found, show_counters
from rockqueue_server.engine.records import pack_job
from rockqueue_server.engine.takers import Lease
from rockqueue_server.engine.unique import let_go
from rockqueue_server.errors import invalid_state
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import id_text

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState

_WAITING, _DELAYED, _ACTIVE = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED, job_pb2.JOB_STATE_ACTIVE
_BLOCKED = job_pb2.JOB_STATE_BLOCKED
_CANCELLED, _DEAD = job_pb2.JOB_STATE_CANCELLED, job_pb2.JOB_STATE_DEAD


def cancel(engine: Engine, commit: Commit, found: Found) -> bool:
    """Cancels a job, or asks its worker to; returns False when that was done before. Raises INVALID_STATE."""
    if found.state == _CANCELLED:
        return False
    if found.state in (_WAITING, _DELAYED, _BLOCKED):
        _take_out(engine, commit, found)
        history = job_pb2.Job(errors=found.touched.errors).SerializeToString() if found.touched is not None else b""
        finish(
            engine, commit, found.queue, found.job_id, found.head, found.counters,
            old_state=found.state, state=_CANCELLED, flags=_flags(engine, found), history=history,
        )  # fmt: skip
        return True
    lease = found.lease
    if lease is None:
        raise invalid_state(id_text(found.job_id), state_name(found.state), "a job that is not finished")
    if lease.cancel_by_us:
        return False
    _ask(engine, commit, found, lease)
    return True


def _ask(engine: Engine, commit: Commit, found: Found, lease: Lease) -> None:
    """Records that the worker is to stop, and tells it; with no grace the job is cancelled at once."""
    spec = job_pb2.JobSpec.FromString(found.spec)
    session = lease.session
    if spec.HasField("cancel_grace") and not (spec.cancel_grace.seconds or spec.cancel_grace.nanos):
        outcomes.cancelled(engine, commit, lease)

        def ended() -> None:
            engine.leases.end(lease)
            if session is not None:
                session.cancel(lease, work_service_pb2.CANCEL_CAUSE_LEASE_LOST, None)

        commit.after(ended)
        return
    # Only the flag in the record counts: the grace runs anew after a restart.
    lease.cancel_by_us = 1
    record = engine.leases.pack(lease)
    lease.cancel_by_us = 0
    commit.put(lease.job_id, record, engine.columns.active_h)

    def asked() -> None:
        grace_us = engine.leases.cancel_requested(lease, commit.now_us)
        if session is not None:
            session.cancel(lease, work_service_pb2.CANCEL_CAUSE_REQUESTED, grace_us)

    commit.after(asked)


def retry(engine: Engine, commit: Commit, found: Found, queue_name: str) -> None:
    """Puts a DEAD or CANCELLED job back, into another queue if one is named. Raises INVALID_STATE."""
    done = found.done
    if found.state not in (_DEAD, _CANCELLED) or done is None:
        raise invalid_state(id_text(found.job_id), state_name(found.state), "a job that is DEAD or CANCELLED")
    columns, head, job_id, now_us = engine.columns, found.head, found.job_id, commit.now_us
    commit.delete(keys.done_key(found.queue.number, found.state, job_id), columns.done_h)
    commit.deltas(found.queue)[found.state] -= 1
    queue = engine.queues.ensure(commit, queue_name) if queue_name else found.queue
    if queue is not found.queue or head.expire_us:
        # A job that expired before it was ever delivered must not expire again: it counts as started.
        found = replace(found, spec=_rewrite(engine, commit, found, queue))
    if head.flags & GROUP:
        commit.groups.join(queue, job_id, job_pb2.JobSpec.FromString(found.spec).group)
    errors = job_pb2.Job.FromString(done.history).errors
    record = job_pb2.Job(state=_WAITING, ready_time=timestamp(now_us), errors=errors)
    counters = done.counters
    show_counters(record, counters)
    record.failures = record.crashes = record.releases = record.snoozes = 0
    record.attempt = counters.attempt
    queue.stats.retried += 1
    if engine.flows.put_back(commit, found, queue, record):
        return
    commit.put(job_id, record.SerializeToString(), columns.touched_h)
    commit.add_ready(queue, keys.ready_key(queue.number, head.priority, now_us, job_id), touched=True)
    deltas = commit.deltas(queue)
    deltas[_WAITING] += 1
    deltas[records.BACKLOG_BYTES] += len(found.spec)
    if head.flags & ORIGIN:
        schedule = job_pb2.JobSpec.FromString(found.spec).origin.schedule
        if schedule:
            engine.schedules.job_put_back(commit, schedule, job_id)
    type_, extra = event_service_pb2.EVENT_TYPE_JOB_RETRIED, engine.origins.told(head, job_id)
    commit.event(type_, _WAITING, queue.number, counters.attempt, head.name, job_id, extra)


def _rewrite(engine: Engine, commit: Commit, found: Found, queue: QueueState) -> bytes:
    """Writes the job as one of `queue` that never expires; returns its spec."""
    head = found.head
    message = job_pb2.JobSpec.FromString(found.spec)
    message.ClearField("expiry")
    message.queue = queue.name
    spec = message.SerializeToString()
    flags = head.flags & ~EXPIRES
    value = pack_job(flags, queue.number, head.priority, head.create_us, head.run_us, 0, head.name, spec)
    commit.put(found.job_id, value, engine.columns.job_h)
    return spec


def _remember_completion(engine: Engine, commit: Commit, found: Found) -> None:
    """Its worker may not have heard that a completion was carried out, and send it again."""
    done = found.done
    if done is None or found.state != job_pb2.JOB_STATE_COMPLETED:
        return
    if commit.now_us < done.finish_us + limits.REQUEST_MEMORY_US:
        settlement = done.completion(records.lease_token(found.job_id, done.counters.attempt, done.epoch))
        if dedup.settlement_is_remembered(engine, settlement) is None:
            dedup.remember_settlement(commit, settlement, done.finish_us)


def delete(engine: Engine, commit: Commit, found: Found, *, announce: bool = True) -> None:
    """Removes a job and all that is known of it. Raises INVALID_STATE for an ACTIVE one."""
    if found.state == _ACTIVE:
        raise invalid_state(id_text(found.job_id), "ACTIVE", "a job that is not with a worker: cancel it first")
    columns, job_id = engine.columns, found.job_id
    if found.state in FINISHED:
        commit.delete(keys.done_key(found.queue.number, found.state, job_id), columns.done_h)
        _remember_completion(engine, commit, found)
    else:
        _take_out(engine, commit, found)
        if found.head.flags & GROUP:
            commit.groups.leave(found.queue, job_id, job_pb2.JobSpec.FromString(found.spec).group)
        # For those that wait for it, a job that was deleted did not complete.
        engine.flows.ended(commit, job_id, found.head, _CANCELLED)
    if found.touched is not None:
        commit.delete(job_id, columns.touched_h)
    if found.head.flags & UNIQUE:
        let_go(
            engine,
            commit,
            found.queue,
            job_id,
            job_pb2.JobSpec.FromString(found.spec),
            at=job_pb2.UNIQUE_UNTIL_FINISHED,
        )
    if found.head.flags & ORIGIN and found.state not in FINISHED:
        schedule = job_pb2.JobSpec.FromString(found.spec).origin.schedule
        if schedule:
            engine.schedules.job_ended(commit, schedule, job_id)
    commit.delete(job_id, columns.job_h)
    if found.head.flags & TAGS:
        tags.remove(engine, commit, job_id, found.spec)
    engine.notes.forget(commit, job_id)
    commit.deltas(found.queue)[found.state] -= 1
    if announce:
        type_ = event_service_pb2.EVENT_TYPE_JOB_DELETED
        extra = engine.origins.told(found.head, job_id)
        commit.event(type_, found.state, found.queue.number, found.counters.attempt, found.head.name, job_id, extra)
    commit.after(lambda: engine.waiters.finished(job_id, None))


def _take_out(engine: Engine, commit: Commit, found: Found) -> None:
    """Out of those that wait, are delayed or blocked."""
    if found.state == _BLOCKED:
        engine.flows.unblock(commit, found.queue.number, found.job_id)
        return
    commit.deltas(found.queue)[records.BACKLOG_BYTES] -= len(found.spec)
    if found.state == _WAITING:
        commit.remove_ready(found.queue, found.ready_key)
    else:
        commit.delete(keys.delayed_key(found.queue.number, found.ready_us, found.job_id), engine.columns.delayed_h)


def _flags(engine: Engine, found: Found) -> int:
    noted = found.touched is not None and engine.notes.has(found.job_id)
    return (records.TOUCHED if found.touched is not None else 0) | (records.NOTED if noted else 0)
