"""The end of a job: what is kept of it, for how long, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import GROUP, ORIGIN, RETENTION, UNIQUE
from rockqueue_server.contract.times import duration_us, timestamp
from rockqueue_server.engine import records, tags
from rockqueue_server.engine.commit import Commit
from rockqueue_server.engine.lookup import Found, show
from rockqueue_server.engine.records import Counters, JobHead, unpack_job
from rockqueue_server.engine.unique import let_go
from rockqueue_server.rules import keys

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState

_EVENTS: dict[int, int] = {
    job_pb2.JOB_STATE_COMPLETED: event_service_pb2.EVENT_TYPE_JOB_COMPLETED,
    job_pb2.JOB_STATE_DEAD: event_service_pb2.EVENT_TYPE_JOB_DEAD,
    job_pb2.JOB_STATE_CANCELLED: event_service_pb2.EVENT_TYPE_JOB_CANCELLED,
}


def read_spec(engine: Engine, job_id: bytes) -> job_pb2.JobSpec:
    """The spec of a job that exists."""
    value = engine.columns.job.get(job_id)
    if value is None:
        raise RuntimeError(f"job {job_id.hex()} has no record")
    return job_pb2.JobSpec.FromString(unpack_job(value)[1])


def finish(
    engine: Engine,
    commit: Commit,
    queue: QueueState,
    job_id: bytes,
    head: JobHead,
    counters: Counters,
    *,
    old_state: int,
    state: int,
    dead_reason: int = 0,
    error: job_pb2.JobError | None = None,
    epoch: int = 0,
    flags: int = 0,
    history: bytes = b"",
    content_type: str = "",
    result: bytes = b"",
) -> bool:
    """Brings a job from `old_state` to a finished one; the caller takes it out of the index of its old state.

    `flags` are those of `records`; `history` is a serialised Job with the errors to keep. Returns whether the job is
    kept for as long as its settlement has to be remembered.
    """
    columns = engine.columns
    now_us = commit.now_us
    retention_us = queue.retention_us[state]
    if head.flags & (ORIGIN | RETENTION | UNIQUE | GROUP):
        retention_us = _part(engine, commit, queue, job_id, head, retention_us)
    purge_us = now_us + retention_us
    of_flow = engine.flows.ended(commit, job_id, head, state, queue=queue.number, purge_us=purge_us)
    if of_flow:
        flags |= records.OF_FLOW
    kept = retention_us > 0 or of_flow
    deltas = commit.deltas(queue)
    deltas[old_state] -= 1
    if flags & records.TOUCHED:
        commit.delete(job_id, columns.touched_h)
    flags |= tags.done_flag(head.flags)
    value = records.pack_done(counters, now_us, purge_us, epoch, dead_reason, flags, content_type, history, result)
    if kept:
        deltas[state] += 1
        done_key = keys.done_key(queue.number, state, job_id)
        commit.put(done_key, value, columns.done_h)
        if not of_flow and "retention_ignored" not in engine.defects:
            commit.purge_at(purge_us, [done_key])
    _tell(engine, commit, queue, job_id, head, value if job_id in engine.waiters else b"", state, kept=kept)
    if not kept:
        commit.delete(job_id, columns.job_h)
        engine.notes.forget(commit, job_id)
        tags.remove_by_record(engine, commit, job_id, flags)
    extra = b""
    if dead_reason:
        event = event_service_pb2.Event(dead_reason=dead_reason)  # type: ignore[arg-type]
        if error is not None:
            event.error.type, event.error.message = error.type, error.message
        extra = event.SerializeToString()
    count_finished(queue, state)
    extra = engine.origins.told(head, job_id, extra)
    commit.event(_EVENTS[state], state, queue.number, counters.attempt, head.name, job_id, extra)
    return retention_us >= limits.REQUEST_MEMORY_US


def _part(engine: Engine, commit: Commit, queue: QueueState, job_id: bytes, head: JobHead, retention_us: int) -> int:
    """Parts a job from what it holds and where it came from; returns for how long it is kept."""
    spec = read_spec(engine, job_id)
    if head.flags & UNIQUE:
        let_go(engine, commit, queue, job_id, spec, at=job_pb2.UNIQUE_UNTIL_FINISHED)
    if head.flags & GROUP:
        commit.groups.leave(queue, job_id, spec.group)
    if spec.origin.schedule:
        engine.schedules.job_ended(commit, spec.origin.schedule, job_id)
    return (duration_us(spec.retention) or 0) if head.flags & RETENTION else retention_us


def _tell(
    engine: Engine,
    commit: Commit,
    queue: QueueState,
    job_id: bytes,
    head: JobHead,
    done: bytes,
    state: int,
    *,
    kept: bool,
) -> None:
    """Tells those who wait for the job. What is not kept is shown to them as it is now."""
    if not done:
        return
    job: job_pb2.Job | None = None
    value = engine.columns.job.get(job_id)
    if not kept and value is not None:
        spec = unpack_job(value)[1]
        job = show(engine, Found(job_id, queue, head, spec, state, done=records.unpack_done(done)))
        job.finish_time.CopyFrom(timestamp(commit.now_us))
    commit.after(lambda: engine.waiters.finished(job_id, job))


def count_finished(queue: QueueState, state: int) -> None:
    """Counts a finished job in the queue's statistics."""
    if state == job_pb2.JOB_STATE_COMPLETED:
        queue.stats.completed += 1
    elif state == job_pb2.JOB_STATE_DEAD:
        queue.stats.dead += 1
    else:
        queue.stats.cancelled += 1
