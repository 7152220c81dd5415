"""What becomes of a slot: it fires, waits, or makes no job.

The push of its job and the advance of its schedule are one commit, so that each slot fires exactly once.
"""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2, schedule_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import admit_at
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.schedule_request import jitter_us, timing_of
from rockqueue_server.contract.times import duration_us, timestamp
from rockqueue_server.engine import push, upkeep
from rockqueue_server.engine.lookup import FINISHED, find
from rockqueue_server.errors import ServiceError
from rockqueue_server.feed.records import NO_JOB
from rockqueue_server.rules.ids import id_text
from rockqueue_server.rules.slots import Timing, last_slots, next_slot, slots

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.schedule_changes import ScheduleChanges
    from rockqueue_server.engine.schedule_records import ScheduleState

log = logging.getLogger("rockqueue.schedules")

MOST_CANCELLED = 1000
"""So many earlier jobs are cancelled at one slot."""
MOST_COUNTED = 100
"""So many slots that were missed together are counted."""

Spec = schedule_service_pb2.ScheduleSpec
_SKIP = schedule_service_pb2.OVERLAP_POLICY_SKIP
_QUEUE_ONE = schedule_service_pb2.OVERLAP_POLICY_QUEUE_ONE
_CANCEL_RUNNING = schedule_service_pb2.OVERLAP_POLICY_CANCEL_RUNNING
_FIRED, _SKIPPED = event_service_pb2.EVENT_TYPE_SCHEDULE_FIRED, event_service_pb2.EVENT_TYPE_SCHEDULE_SKIPPED


def fire_due(engine: Engine, commit: Commit, changes: ScheduleChanges, state: ScheduleState) -> int:
    """Does what is due of a schedule: one slot, or the end of a gap. Returns the bytes of the job it pushed."""
    now_us, slot_us, due_us = commit.now_us, state.next_us, state.due_us
    spec = changes.spec(state.name)
    timing = timing_of_state(engine, state, spec)
    missed_until_us = now_us - limits.MISSED_AFTER_US - jitter_us(spec) - 1
    fires: int | None = slot_us
    if slot_us <= missed_until_us:
        fires = _after_a_gap(engine, commit, state, spec, timing, missed_until_us)
    size = 0
    if fires is None:
        advance(engine, commit, state, spec, timing, missed_until_us)
    else:
        if "schedule_advance_not_atomic" in engine.defects:
            _stop_halfway(engine, commit, state, spec, fires)
        if fire(engine, commit, changes, state, spec, fires) is not None:
            engine.stats.schedule_late_s.observe((now_us - due_us) / 1e6)
            size = spec.ByteSize()
        advance(engine, commit, state, spec, timing, fires)
    changes.changed(state)
    return size


def _after_a_gap(
    engine: Engine, commit: Commit, state: ScheduleState, spec: Spec, timing: Timing, until_us: int
) -> int | None:
    """The first of the missed slots that the policy lets fire, None for none; those before it make no job."""
    since_us = state.next_us - 1
    misfire = spec.misfire or schedule_service_pb2.MISFIRE_POLICY_FIRE_ONCE
    kept: list[int] = []
    if misfire != schedule_service_pb2.MISFIRE_POLICY_SKIP:
        most = limits.CATCH_UP_JOBS if misfire == schedule_service_pb2.MISFIRE_POLICY_FIRE_ALL else 1
        catch_up_us = duration_us(spec.catch_up) if spec.HasField("catch_up") else limits.DEFAULT_CATCH_UP_US
        oldest_us = commit.now_us - (catch_up_us or 0)
        kept = last_slots(timing, max(since_us, oldest_us - 1), until_us, most)
    dropped_until_us = kept[0] - 1 if kept else until_us
    dropped = sum(1 for _ in islice(slots(timing, since_us, dropped_until_us), MOST_COUNTED))
    if dropped:
        last = last_slots(timing, since_us, dropped_until_us, 1)[0]
        skip(engine, commit, state, spec, last, count=dropped)
    return kept[0] if kept else None


def fire(
    engine: Engine,
    commit: Commit,
    changes: ScheduleChanges,
    state: ScheduleState,
    spec: Spec,
    slot_us: int,
    *,
    trigger: bool = False,
) -> bytes | None:
    """Lets a slot, or a `trigger`, fire as the overlap policy has it; returns the job it made."""
    overlap = spec.overlap if "overlap_ignored" not in engine.defects else 0
    if overlap in (_SKIP, _QUEUE_ONE) and changes.unfinished(state, 1):
        if overlap == _SKIP:
            skip(engine, commit, state, spec, slot_us, count=0 if trigger else 1)
        else:
            drop_queued(engine, commit, state, spec)
            state.set_queued(slot_us, trigger=trigger)
        changes.changed(state)
        return None
    if overlap == _CANCEL_RUNNING:
        for job_id in changes.unfinished(state, MOST_CANCELLED):
            found = find(engine, job_id)
            if found is not None and found.state not in FINISHED:
                upkeep.cancel(engine, commit, found)
    return _make_job(engine, commit, changes, state, spec, slot_us, trigger=trigger)


def fire_queued(engine: Engine, commit: Commit, changes: ScheduleChanges, state: ScheduleState) -> None:
    """A job of the schedule has ended: what waited for it fires, if it was the last one."""
    slot_us, trigger = state.queued_us, state.queued_trigger
    if not slot_us or changes.unfinished(state, 1):
        return
    spec = changes.spec(state.name)
    state.set_queued(0)
    try:
        _make_job(engine, commit, changes, state, spec, slot_us, trigger=trigger)
    except (ServiceError, ValueError) as error:
        # The end of a job must not fail because another one cannot be pushed.
        log.error("schedule %s: a slot that waited makes no job, put it anew: %s", state.name, error)  # noqa: TRY400
        skip(engine, commit, state, spec, slot_us, count=0 if trigger else 1)
    if spec.HasField("max_runs") and state.shown.runs >= spec.max_runs:
        state.set_next(None, 0)
    changes.changed(state)


def push_jobs(
    engine: Engine,
    commit: Commit,
    changes: ScheduleChanges,
    state: ScheduleState,
    spec: Spec,
    moments: list[int],
    *,
    counts: bool = True,
) -> list[bytes]:
    """Pushes a job for each slot; `counts` says whether it is one for later slots to overlap with."""
    jobs = [job_of(spec, state.name, slot_us) for slot_us in moments]
    problems = Problems()
    admitted = [admit_at(job, "job", commit.now_us, problems) for job in jobs]
    problems.check()
    job_ids = [outcome[0] for outcome in push.store(engine, commit, admitted, jobs)]
    queue = engine.queues.expect(spec.job.queue)
    for slot_us, job, job_id in zip(moments, admitted, job_ids, strict=True):
        if counts:
            changes.job_begun(state.name, job_id)
        where = job_pb2.JOB_STATE_DELAYED if job.run_us else job_pb2.JOB_STATE_WAITING
        extra = _extra(state.name, slot_us)
        commit.event(_FIRED, where, queue.number, 0, job.name, job_id, extra)
    if job_ids:
        state.shown.last_job_id = id_text(job_ids[-1])
    commit.after(lambda: engine.stats.count_fired(len(job_ids)))
    changes.changed(state)
    return job_ids


def timing_of_state(engine: Engine, state: ScheduleState, spec: Spec) -> Timing:
    """When a schedule fires."""
    return told_timing(engine, spec, state.shown.create_time.ToMicroseconds())


def told_timing(engine: Engine, spec: Spec, made_us: int) -> Timing:
    """The same of one that was, or could be, made at `made_us`."""
    timing = timing_of(spec, made_us)
    return timing._replace(gaps_fire=False) if "schedule_dst_gap_skipped" in engine.defects else timing


def job_of(spec: Spec, name: str, slot_us: int) -> job_pb2.JobSpec:
    """The job of a slot."""
    job = job_pb2.JobSpec()
    job.CopyFrom(spec.job)
    job.origin.schedule = name
    job.origin.slot_time.CopyFrom(timestamp(slot_us))
    return job


def skip(engine: Engine, commit: Commit, state: ScheduleState, spec: Spec, slot_us: int, *, count: int) -> None:
    """A slot makes no job; `count` slots, of which it is the last, when they were missed together."""
    state.shown.skipped += count
    commit.after(lambda: engine.stats.count_skipped(count))
    tell(engine, commit, _SKIPPED, state.name, spec, _extra(state.name, slot_us))


def drop_queued(engine: Engine, commit: Commit, state: ScheduleState, spec: Spec) -> None:
    """What waited for an earlier job makes no job."""
    if state.queued_us:
        skip(engine, commit, state, spec, state.queued_us, count=0 if state.queued_trigger else 1)
        state.set_queued(0)


def advance(engine: Engine, commit: Commit, state: ScheduleState, spec: Spec, timing: Timing, after_us: int) -> None:
    """Sets the next slot, the first later than `after_us`, and draws when it fires."""
    if state.shown.paused or (spec.HasField("max_runs") and state.shown.runs >= spec.max_runs):
        state.set_next(None, 0)
        return
    slot_us = next_slot(timing, after_us)
    due_us = slot_us or 0
    late_us = jitter_us(spec)
    if slot_us is not None and late_us:
        following_us = next_slot(timing, slot_us)
        if following_us is not None:
            late_us = min(late_us, following_us - slot_us - 1)
        due_us += round(engine.random.random() * late_us)
    state.set_next(slot_us, max(due_us, commit.now_us))


def tell(engine: Engine, commit: Commit, type_: int, name: str, spec: Spec, extra: bytes = b"") -> None:
    """An event of a schedule."""
    queue = engine.queues.ensure(commit, spec.job.queue)
    commit.event(type_, 0, queue.number, 0, "", NO_JOB, extra or _extra(name))


def _make_job(
    engine: Engine,
    commit: Commit,
    changes: ScheduleChanges,
    state: ScheduleState,
    spec: Spec,
    slot_us: int,
    *,
    trigger: bool,
) -> bytes:
    (job_id,) = push_jobs(engine, commit, changes, state, spec, [slot_us])
    if not trigger:
        state.shown.runs += 1
        state.shown.last_slot_time.CopyFrom(timestamp(slot_us))
    return job_id


def _extra(name: str, slot_us: int | None = None) -> bytes:
    event = event_service_pb2.Event(schedule=name)
    if slot_us is not None:
        event.slot_time.CopyFrom(timestamp(slot_us))
    return event.SerializeToString()


def _stop_halfway(engine: Engine, commit: Commit, state: ScheduleState, spec: Spec, slot_us: int) -> None:
    """A seeded defect: the job of a slot is written without the advance of its schedule, and the process ends."""
    half = engine.commit(commit.now_us)
    job = job_of(spec, state.name, slot_us)
    push.store(engine, half, [admit_at(job, "job", commit.now_us, Problems())], [job])
    half.write()
    error = RuntimeError("defect: stopped between the job of a slot and the advance of its schedule")
    engine.fail(error)
    raise error
