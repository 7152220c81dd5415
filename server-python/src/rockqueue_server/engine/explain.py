"""Why a job is not running, and why a queue delivers nothing: what holds now, the one that will last longest first.

What only somebody can end (a pause, the want of workers) comes first, then what ends when other jobs do, then what ends
by itself, then the place among others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_server.contract.states import state_name
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine.flows.reading import unfinished_parents
from rockqueue_server.engine.lookup import FINISHED, Found, find
from rockqueue_server.rules import keys, rate
from rockqueue_server.rules.ids import id_text

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.groups.state import GroupState
    from rockqueue_server.engine.queue_state import QueueState

MOST_BEHIND = 10_000
MOST_PARENTS = 100
GROUPS_LOOKED_AT = 1000
Explanation = job_service_pb2.Explanation
_KIND = "EXPLANATION_KIND_"


def explain_job(engine: Engine, found: Found) -> list[Explanation]:
    """The reasons for a job."""
    if found.state in FINISHED:
        return [_finished(found)]
    if found.lease is not None:
        return [_running(found)]
    reasons = _paused(found.queue)
    if found.state == job_pb2.JOB_STATE_BLOCKED:
        parents = unfinished_parents(engine, found, MOST_PARENTS)
        text = f"waits for {len(parents)} jobs of its flow that are not finished; GetFlow shows how far they are"
        return [*reasons, _reason("BLOCKED", text, job_ids=[id_text(parent) for parent in parents])]
    if found.state == job_pb2.JOB_STATE_DELAYED:
        return [*reasons, _delayed(found)]
    group = _group_of(found)
    reasons += _no_worker(found.queue)
    if group is not None:
        reasons += _group_full(engine, found.queue, group, but=found.job_id)
    reasons += _queue_full(found.queue)
    rates = _queue_rate(engine, found.queue)
    if group is not None:
        rates += _group_rate(engine, found.queue, group)
    reasons += sorted(rates, key=_until, reverse=True) + _busy(engine, found.queue) + _behind(engine, found, group)
    return reasons or [_reason("NEXT", "nothing holds the job: it goes to the next worker that has a credit")]


def explain_queue(engine: Engine, queue: QueueState) -> list[Explanation]:
    """The reasons for a queue."""
    reasons = _paused(queue)
    if not queue.waiting:
        return [*reasons, _empty(queue)]
    reasons += _no_worker(queue)
    groups = _groups(engine, queue)
    reasons += [one for one in groups if not one.HasField("until_time")] + _queue_full(queue)
    rates = _queue_rate(engine, queue) + [one for one in groups if one.HasField("until_time")]
    reasons += sorted(rates, key=_until, reverse=True) + _busy(engine, queue)
    return reasons or [_reason("NEXT", f"nothing holds the queue: {queue.waiting} waiting jobs are being delivered")]


def _reason(kind: str, message: str, **fields: object) -> Explanation:
    return Explanation(kind=job_service_pb2.ExplanationKind.Value(_KIND + kind), message=message, **fields)  # type: ignore[arg-type]


def _when(us: int) -> str:
    return timestamp(us).ToJsonString()


def _until(reason: Explanation) -> int:
    return reason.until_time.ToMicroseconds()


def _finished(found: Found) -> Explanation:
    state, done = state_name(found.state), found.done
    text = f"the job is {state}"
    if done is not None:
        text += f" since {_when(done.finish_us)}"
        if done.dead_reason:
            text += f", {job_pb2.DeadReason.Name(done.dead_reason).removeprefix('DEAD_REASON_')}"  # type: ignore[arg-type]
    if found.state != job_pb2.JOB_STATE_COMPLETED:
        text += "; RetryJobs puts it back"
    return _reason("FINISHED", text)


def _running(found: Found) -> Explanation:
    lease = found.lease
    assert lease is not None
    text = f"attempt {lease.attempt} is with worker {lease.worker!r} since {_when(lease.start_us)}"
    if lease.cancel_by_us:
        text = f"cancelled, but {text}: the worker has until {_when(lease.cancel_by_us)} to stop"
        return _reason("CANCELLING", text, worker=lease.worker)
    return _reason("RUNNING", text, worker=lease.worker)


def _delayed(found: Found) -> Explanation:
    counters = found.counters
    text = f"not before {_when(found.ready_us)}"
    if counters.failures:
        text += f": the pause after failure {counters.failures}"
    elif counters.snoozes:
        text += ": its handler snoozed it"
    else:
        text += ": its start time"
    return _reason("DELAYED", text, until_time=timestamp(found.ready_us))


def _paused(queue: QueueState) -> list[Explanation]:
    if not queue.paused:
        return []
    return [_reason("QUEUE_PAUSED", f"queue {queue.name} is paused: ResumeQueue lets it go on")]


def _no_worker(queue: QueueState) -> list[Explanation]:
    if queue.workers or queue.hungry:
        return []
    return [_reason("NO_WORKER", f"no worker is connected to queue {queue.name}: start one, or check its queues")]


def _queue_full(queue: QueueState) -> list[Explanation]:
    active, most = queue.counts[job_pb2.JOB_STATE_ACTIVE], queue.max_active
    if most is None or active < most:
        return []
    text = f"{active} jobs of queue {queue.name} are active, its max_active is {most}: wait for one to end, or raise it"
    return [_reason("QUEUE_MAX_ACTIVE", text, count=most)]


def _queue_rate(engine: Engine, queue: QueueState) -> list[Explanation]:
    if queue.rate is None:
        return []
    now_us = engine.clock.now_us()
    due_us = rate.free_us(queue.rate, queue.level, now_us)
    if due_us <= now_us:
        return []
    text = f"the rate of queue {queue.name} is used up until {_when(due_us)}: wait, or raise it with UpdateQueue"
    return [_reason("QUEUE_RATE", text, until_time=timestamp(due_us))]


def _busy(engine: Engine, queue: QueueState) -> list[Explanation]:
    if not queue.workers and not queue.hungry:
        return []
    now_us = engine.clock.now_us()
    if any(taker.session is None or not taker.session.busy(now_us) for taker in queue.hungry):
        return []
    text = f"none of the {queue.workers} workers of queue {queue.name} can take a job now: wait, or add workers"
    return [_reason("WORKERS_BUSY", text)]


def _empty(queue: QueueState) -> Explanation:
    counts = queue.counts
    text = f"queue {queue.name} has no waiting job"
    others = (("delayed", counts[job_pb2.JOB_STATE_DELAYED]), ("blocked", counts[job_pb2.JOB_STATE_BLOCKED]))
    parts = [f"{count} {name}" for name, count in (*others, ("active", counts[job_pb2.JOB_STATE_ACTIVE])) if count]
    return _reason("EMPTY", text + (f"; {', '.join(parts)}" if parts else ""))


def _group_of(found: Found) -> GroupState | None:
    groups = found.queue.groups
    key = job_pb2.JobSpec.FromString(found.spec).group
    return groups.find(key) if groups is not None and key else None


def _group_full(engine: Engine, queue: QueueState, group: GroupState, but: bytes = b"") -> list[Explanation]:
    groups = queue.groups
    if groups is None:
        return []
    most = groups.max_active(group)
    if most is not None and group.active >= most:
        text = f"{group.active} jobs of group {group.key!r} are active, its max_active is {most}: wait for one to end"
        return [_reason("GROUP_MAX_ACTIVE", text, count=most)]
    if groups.full(group) and group.turn != but:
        held = find(engine, group.turn)
        until = f", not before {_when(held.ready_us)}" if held is not None else ""
        text = (
            f"job {id_text(group.turn)} of group {group.key!r} is to be tried again{until}, and its max_active is 1: "
            "no other job of the group starts before that one is finished"
        )
        return [_reason("GROUP_MAX_ACTIVE", text, count=1)]
    return []


def _group_rate(engine: Engine, queue: QueueState, group: GroupState) -> list[Explanation]:
    now_us = engine.clock.now_us()
    due_us = queue.groups.free_us(group, now_us) if queue.groups is not None else now_us
    if due_us <= now_us:
        return []
    text = f"the rate of group {group.key!r} is used up until {_when(due_us)}: wait, or raise it with UpdateGroup"
    return [_reason("GROUP_RATE", text, until_time=timestamp(due_us))]


def _groups(engine: Engine, queue: QueueState) -> list[Explanation]:
    """What holds the groups of a queue, if none of those looked at may be served: one of each kind."""
    groups = queue.groups
    if groups is None or queue.waiting > groups.waiting:
        return []
    found: dict[int, Explanation] = {}
    for seen, group in enumerate(groups.by_key.values()):
        if not group.waiting:
            continue
        reasons = _group_full(engine, queue, group) or _group_rate(engine, queue, group)
        if not reasons or seen >= GROUPS_LOOKED_AT:
            return []
        (reason,) = reasons
        other = found.get(reason.kind)
        if other is None or _until(reason) < _until(other):
            found[reason.kind] = reason
    return list(found.values())


def _behind(engine: Engine, found: Found, group: GroupState | None) -> list[Explanation]:
    """How many jobs come before this one: of its group, if it has one."""
    queue, key = found.queue, found.ready_key
    if group is None:
        lower, _ = keys.queue_range(queue.number)
        count = len(engine.columns.ready.scan(lower, key, MOST_BEHIND))
        where = f"in queue {queue.name}"
    else:
        strict = queue.groups is not None and queue.groups.strict(group)
        if strict and group.turn == found.job_id:
            return []
        count = len(engine.columns.gready.scan(group.prefix, group.prefix + key[4:], MOST_BEHIND))
        count += strict and bool(group.turn_at) and group.turn_at > key[4:]
        where = f"in group {group.key!r}"
    if not count:
        return []
    most = " or more" if count >= MOST_BEHIND else ""
    text = f"{count}{most} jobs come first {where}: wait, or add workers, or push with a higher priority"
    return [_reason("BEHIND", text, count=min(count, MOST_BEHIND))]
