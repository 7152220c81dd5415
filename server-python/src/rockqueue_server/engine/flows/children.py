"""What becomes of one job that waits for others: released, given up, or put back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from rockqueue.v1 import event_service_pb2, job_pb2
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine.finish import finish
from rockqueue_server.engine.flows import records
from rockqueue_server.engine.lookup import Found, counters_of
from rockqueue_server.engine.records import BACKLOG_BYTES, NOTED, TOUCHED, Counters, JobHead, unpack_job
from rockqueue_server.rules import keys

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState

_WAITING, _DELAYED, _BLOCKED = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED, job_pb2.JOB_STATE_BLOCKED
_BYTES_AS_ONE = 16384
"""A job that is so much bigger costs as much as one more job."""


class Child(NamedTuple):
    """A job that waits for others."""

    job_id: bytes
    head: JobHead
    queue: QueueState
    spec_bytes: int
    cost: int


def children_of(engine: Engine, edges: list[tuple[bytes, int, int]]) -> Iterator[tuple[Child, int, int, int | None]]:
    """For each edge whose child exists: the child, the edge's policy and index, and its pending parents on disk."""
    columns = engine.columns
    children: list[tuple[Child, int, int]] = []
    jobs = columns.job.get_many([job_id for job_id, _, _ in edges])
    for (job_id, policy, index), value in zip(edges, jobs, strict=True):
        if value is not None:
            head, spec = unpack_job(value)
            cost = 1 + len(value) // _BYTES_AS_ONE
            child = Child(job_id, head, engine.queues.by_number[head.queue], len(spec), cost)
            children.append((child, policy, index))
    stored = columns.blocked.get_many([records.blocked_key(child.head.queue, child.job_id) for child, _, _ in children])
    for (child, policy, index), value in zip(children, stored, strict=True):
        yield child, policy, index, records.unpack_pending(value) if value is not None else None


def _take_out(engine: Engine, commit: Commit, child: Child) -> job_pb2.Job | None:
    """Out of those that are blocked; returns the history of a job that has one."""
    commit.delete(records.blocked_key(child.queue.number, child.job_id), engine.columns.blocked_h)
    touched = engine.columns.touched.get(child.job_id)
    return job_pb2.Job.FromString(touched) if touched is not None else None


def release(engine: Engine, commit: Commit, child: Child) -> None:
    """The last parent lets a job go on: it waits, or is delayed while its start time lies ahead."""
    job_id, head, queue, spec_bytes, _ = child
    record = _take_out(engine, commit, child)
    deltas = commit.deltas(queue)
    deltas[_BLOCKED] -= 1
    deltas[BACKLOG_BYTES] += spec_bytes
    if record is None and head.run_us > commit.now_us:
        deltas[_DELAYED] += 1
        commit.add_delayed(queue, head.run_us, job_id, touched=False)
        event = event_service_pb2.Event(ready_time=timestamp(head.run_us))
        extra = engine.origins.told(head, job_id, event.SerializeToString())
        commit.event(event_service_pb2.EVENT_TYPE_JOB_DELAYED, _DELAYED, queue.number, 0, head.name, job_id, extra)
        return
    # Its place in the queue is the moment of its release, which only a record of its own can tell.
    record = record or job_pb2.Job()
    _wait(engine, commit, queue, head, job_id, record)
    extra = engine.origins.told(head, job_id)
    type_ = event_service_pb2.EVENT_TYPE_JOB_READY
    commit.event(type_, _WAITING, queue.number, record.attempt, head.name, job_id, extra)


def _wait(engine: Engine, commit: Commit, queue: QueueState, head: JobHead, job_id: bytes, record: job_pb2.Job) -> None:
    record.state = _WAITING
    record.ready_time.CopyFrom(timestamp(commit.now_us))
    commit.put(job_id, record.SerializeToString(), engine.columns.touched_h)
    commit.add_ready(queue, keys.ready_key(queue.number, head.priority, commit.now_us, job_id), touched=True)
    commit.deltas(queue)[_WAITING] += 1


def give_up(engine: Engine, commit: Commit, child: Child, state: int) -> None:
    """A parent did not complete, and the job does not go on without it: it is DEAD or CANCELLED."""
    record = _take_out(engine, commit, child)
    flags, history, counters = 0, b"", Counters()
    if record is not None:
        flags = TOUCHED | (NOTED if engine.notes.has(child.job_id) else 0)
        history, counters = job_pb2.Job(errors=record.errors).SerializeToString(), counters_of(record)
    reason = job_pb2.DEAD_REASON_PARENT_FAILED if state == job_pb2.JOB_STATE_DEAD else 0
    finish(
        engine, commit, child.queue, child.job_id, child.head, counters,
        old_state=_BLOCKED, state=state, dead_reason=reason, flags=flags, history=history,
    )  # fmt: skip


def place_again(
    engine: Engine, commit: Commit, found: Found, queue: QueueState, record: job_pb2.Job, *, blocked: bool
) -> None:
    """Puts a job that was finished among those that wait, or that are blocked."""
    head, job_id = found.head, found.job_id
    state = _BLOCKED if blocked else _WAITING
    if blocked:
        record.state = _BLOCKED
        record.ClearField("ready_time")
        commit.put(job_id, record.SerializeToString(), engine.columns.touched_h)
        commit.deltas(queue)[_BLOCKED] += 1
    else:
        _wait(engine, commit, queue, head, job_id, record)
        commit.deltas(queue)[BACKLOG_BYTES] += len(found.spec)
    extra = engine.origins.told(head, job_id)
    number, attempt = queue.number, record.attempt
    commit.event(event_service_pb2.EVENT_TYPE_JOB_RETRIED, state, number, attempt, head.name, job_id, extra)
    if blocked:
        commit.event(event_service_pb2.EVENT_TYPE_JOB_BLOCKED, state, number, attempt, head.name, job_id, extra)
