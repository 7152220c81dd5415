"""ScheduleService: jobs that come again and again. `rockqueue/v1/schedule_service.proto` is the specification."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import Message

from rockqueue.v1 import event_service_pb2, schedule_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.schedule_request import (
    check_prefix,
    check_schedule_name,
    check_spec,
)
from rockqueue_server.contract.times import timestamp, timestamp_us
from rockqueue_server.engine import dedup, firing
from rockqueue_server.engine.commit import Commit
from rockqueue_server.engine.schedule_changes import ScheduleChanges
from rockqueue_server.engine.schedule_records import (
    SPECS,
    ScheduleState,
    spec_key,
    state_key,
    unpack_state,
)
from rockqueue_server.errors import limit_exceeded, schedule_not_found
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import id_text
from rockqueue_server.rules.slots import Timing, next_slot, slots
from rockqueue_server.services.pages import Page

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.services.intake import Intake

Spec = schedule_service_pb2.ScheduleSpec
Schedule = schedule_service_pb2.Schedule
A = TypeVar("A", bound=Message)
_QUEUE_ONE = schedule_service_pb2.OVERLAP_POLICY_QUEUE_ONE
_TIMING = ("cron", "interval", "time_zone", "start_time", "end_time", "jitter")
_PAGE_STEP = 50


class ScheduleService:
    """The operations on schedules."""

    def __init__(self, engine: Engine, intake: Intake) -> None:
        self._engine = engine
        self._intake = intake

    async def put_schedule(
        self, request: schedule_service_pb2.PutScheduleRequest
    ) -> schedule_service_pb2.PutScheduleResponse:
        """Makes a schedule, or replaces the one of its name."""
        self._intake.check_open()
        self._intake.check_disk()
        problems = Problems()
        problems.request_id(request.request_id)
        check_spec(request.schedule, "schedule", self._engine.clock.now_us(), problems)
        problems.check()
        answer = schedule_service_pb2.PutScheduleResponse

        def put(commit: Commit, changes: ScheduleChanges) -> schedule_service_pb2.PutScheduleResponse:
            created = self._put(commit, changes, request.schedule)
            return answer(schedule=_shown(changes, request.schedule.name, request.schedule), created=created)

        return await self._change("PutSchedule", request.request_id, answer, put)

    def _put(self, commit: Commit, changes: ScheduleChanges, spec: Spec) -> bool:
        """Returns whether it is new."""
        engine, now_us = self._engine, commit.now_us
        state = changes.state(spec.name)
        old = changes.spec(spec.name) if state is not None else None
        if state is None:
            state = ScheduleState(spec.name, Schedule(create_time=timestamp(now_us)))
            engine.schedules.count_by(commit, 1)
        state.shown.update_time.CopyFrom(timestamp(now_us))
        if old is not None and spec.overlap != _QUEUE_ONE:
            firing.drop_queued(engine, commit, state, old)
        if old is None or not state.due_us or any(_differ(old, spec, field) for field in _TIMING):
            timing = firing.timing_of_state(engine, state, spec)
            firing.advance(engine, commit, state, spec, timing, now_us)
        elif spec.HasField("max_runs") and state.shown.runs >= spec.max_runs:
            state.set_next(None, 0)
        commit.put(spec_key(spec.name), spec.SerializeToString(), engine.columns.schedules_h)
        changes.changed(state)
        firing.tell(engine, commit, event_service_pb2.EVENT_TYPE_SCHEDULE_UPDATED, spec.name, spec)
        return old is None

    async def get_schedule(
        self, request: schedule_service_pb2.GetScheduleRequest
    ) -> schedule_service_pb2.GetScheduleResponse:
        """Returns one schedule."""
        _check_name("", request.name)
        shown = self._read(request.name)
        await self._engine.settled()
        return schedule_service_pb2.GetScheduleResponse(schedule=shown)

    async def list_schedules(
        self, request: schedule_service_pb2.ListSchedulesRequest
    ) -> schedule_service_pb2.ListSchedulesResponse:
        """Lists schedules by name, at a cost bounded by the page."""
        problems = Problems()
        page = Page((b"schedules",), request.page_size, request.page_token, problems)
        check_prefix(request.prefix, problems)
        problems.check()
        lower = spec_key(request.prefix)
        if page.position:
            lower = max(lower, keys.after(spec_key(page.name)))
        # No name has a character above `z`.
        upper = spec_key(request.prefix + "\x7f")
        answer = schedule_service_pb2.ListSchedulesResponse()
        page_bytes = 0
        while rows := self._engine.columns.schedules.scan(lower, upper, _PAGE_STEP):
            for key, value in rows:
                name = key[len(SPECS) :].decode()
                shown = self._read(name, value)
                page_bytes += shown.ByteSize()
                if answer.schedules and (len(answer.schedules) >= page.size or page_bytes > limits.PAGE_BYTES):
                    last = answer.schedules[-1].spec.name
                    answer.next_page_token = page.token(last.encode())
                    await self._engine.settled()
                    return answer
                answer.schedules.append(shown)
            lower = keys.after(rows[-1][0])
        await self._engine.settled()
        return answer

    async def delete_schedule(
        self, request: schedule_service_pb2.DeleteScheduleRequest
    ) -> schedule_service_pb2.DeleteScheduleResponse:
        """Removes a schedule; its jobs stay."""
        self._intake.check_open()
        _check_name(request.request_id, request.name)
        answer = schedule_service_pb2.DeleteScheduleResponse

        def delete(commit: Commit, changes: ScheduleChanges) -> schedule_service_pb2.DeleteScheduleResponse:
            state = _existing(changes, request.name)
            spec = changes.spec(request.name)
            changes.removed(state)
            self._engine.schedules.count_by(commit, -1)
            firing.tell(self._engine, commit, event_service_pb2.EVENT_TYPE_SCHEDULE_DELETED, request.name, spec)
            return answer()

        return await self._change("DeleteSchedule", request.request_id, answer, delete)

    async def pause_schedule(
        self, request: schedule_service_pb2.PauseScheduleRequest
    ) -> schedule_service_pb2.PauseScheduleResponse:
        """Lets no slot fire."""
        self._intake.check_open()
        _check_name(request.request_id, request.name)
        answer = schedule_service_pb2.PauseScheduleResponse

        def pause(commit: Commit, changes: ScheduleChanges) -> schedule_service_pb2.PauseScheduleResponse:
            state = _existing(changes, request.name)
            spec = changes.spec(request.name)
            if not state.shown.paused:
                state.shown.paused = True
                state.set_next(None, 0)
                if not state.queued_trigger:
                    firing.drop_queued(self._engine, commit, state, spec)
                changes.changed(state)
                firing.tell(self._engine, commit, event_service_pb2.EVENT_TYPE_SCHEDULE_PAUSED, request.name, spec)
            return answer(schedule=_shown(changes, request.name, spec))

        return await self._change("PauseSchedule", request.request_id, answer, pause)

    async def resume_schedule(
        self, request: schedule_service_pb2.ResumeScheduleRequest
    ) -> schedule_service_pb2.ResumeScheduleResponse:
        """Goes on with the first slot after now."""
        self._intake.check_open()
        _check_name(request.request_id, request.name)
        answer = schedule_service_pb2.ResumeScheduleResponse

        def resume(commit: Commit, changes: ScheduleChanges) -> schedule_service_pb2.ResumeScheduleResponse:
            state = _existing(changes, request.name)
            spec = changes.spec(request.name)
            if state.shown.paused:
                state.shown.paused = False
                timing = firing.timing_of_state(self._engine, state, spec)
                firing.advance(self._engine, commit, state, spec, timing, commit.now_us)
                changes.changed(state)
                firing.tell(self._engine, commit, event_service_pb2.EVENT_TYPE_SCHEDULE_RESUMED, request.name, spec)
            return answer(schedule=_shown(changes, request.name, spec))

        return await self._change("ResumeSchedule", request.request_id, answer, resume)

    async def trigger_schedule(
        self, request: schedule_service_pb2.TriggerScheduleRequest
    ) -> schedule_service_pb2.TriggerScheduleResponse:
        """Fires now."""
        _check_name(request.request_id, request.name)
        answer = schedule_service_pb2.TriggerScheduleResponse

        def trigger(commit: Commit, changes: ScheduleChanges) -> schedule_service_pb2.TriggerScheduleResponse:
            state = _existing(changes, request.name)
            spec = changes.spec(request.name)
            job_id = firing.fire(self._engine, commit, changes, state, spec, commit.now_us, trigger=True)
            shown = _shown(changes, request.name, spec)
            return answer(job_id=id_text(job_id) if job_id is not None else "", schedule=shown)

        return await self._push("TriggerSchedule", request, answer, trigger)

    async def backfill_schedule(
        self, request: schedule_service_pb2.BackfillScheduleRequest
    ) -> schedule_service_pb2.BackfillScheduleResponse:
        """Pushes a job for each slot of a range."""
        since_us, before_us = _check_backfill(request)
        answer = schedule_service_pb2.BackfillScheduleResponse

        def backfill(commit: Commit, changes: ScheduleChanges) -> schedule_service_pb2.BackfillScheduleResponse:
            state = _existing(changes, request.name)
            spec = changes.spec(request.name)
            timing = _endless(firing.timing_of_state(self._engine, state, spec))
            found = list(islice(slots(timing, since_us - 1, before_us - 1), limits.BACKFILL_SLOTS + 1))
            if len(found) > limits.BACKFILL_SLOTS:
                raise limit_exceeded("before_time", limits.BACKFILL_SLOTS, len(found), "slots or more")
            size = len(found) * spec.job.ByteSize()
            if size > limits.BACKFILL_BYTES:
                raise limit_exceeded("before_time", limits.BACKFILL_BYTES, size, "bytes of jobs")
            job_ids = firing.push_jobs(self._engine, commit, changes, state, spec, found, counts=False)
            return answer(job_ids=[id_text(job_id) for job_id in job_ids])

        return await self._push("BackfillSchedule", request, answer, backfill)

    async def preview_schedule(
        self, request: schedule_service_pb2.PreviewScheduleRequest
    ) -> schedule_service_pb2.PreviewScheduleResponse:
        """Returns the next slots."""
        now_us = self._engine.clock.now_us()
        target = request.WhichOneof("target")
        problems = Problems()
        if target is None:
            problems.add("target", "must be set: name a schedule, or give one")
        elif target == "name":
            check_schedule_name("name", request.name, problems)
        else:
            check_spec(request.schedule, "schedule", now_us, problems, preview=True)
        after_us = problems.timestamp("after_time", request.after_time) if request.HasField("after_time") else now_us
        if not 0 <= request.count <= limits.PREVIEW_SLOTS:
            problems.add("count", f"must be 0 to {limits.PREVIEW_SLOTS}")
        problems.check()
        spec, made_us = request.schedule, now_us
        if target == "name":
            shown = self._read(request.name)
            spec, made_us = shown.spec, shown.create_time.ToMicroseconds()
        timing = firing.told_timing(self._engine, spec, made_us)
        answer = schedule_service_pb2.PreviewScheduleResponse()
        for _ in range(request.count or limits.DEFAULT_PREVIEW_SLOTS):
            slot_us = next_slot(timing, after_us)
            if slot_us is None:
                break
            answer.slots.append(timestamp(slot_us))
            after_us = slot_us
        await self._engine.settled()
        return answer

    async def _push(
        self,
        method: str,
        request: schedule_service_pb2.TriggerScheduleRequest | schedule_service_pb2.BackfillScheduleRequest,
        answer: type[A],
        act: Callable[[Commit, ScheduleChanges], A],
    ) -> A:
        """A change that pushes jobs: taken in like a push."""
        size = request.ByteSize()
        self._intake.admit(size)
        try:
            return await self._change(method, request.request_id, answer, act)
        finally:
            self._intake.release(size)

    async def _change(
        self, method: str, request_id: str, answer: type[A], act: Callable[[Commit, ScheduleChanges], A]
    ) -> A:
        """Carries out a change once for its request id."""
        engine = self._engine
        return await engine.submit(
            lambda now_us: dedup.once(
                engine, now_us, method, request_id, answer, lambda commit: act(commit, engine.schedules.changes(commit))
            )
        )

    def _read(self, name: str, spec: bytes | None = None) -> Schedule:
        """The schedule as it is now."""
        column = self._engine.columns.schedules
        spec = spec if spec is not None else column.get(spec_key(name))
        state = column.get(state_key(name))
        if spec is None or state is None:
            raise schedule_not_found(name)
        shown = unpack_state(name, state).shown
        shown.spec.ParseFromString(spec)
        return shown


def _shown(changes: ScheduleChanges, name: str, spec: Spec) -> Schedule:
    """The schedule as a commit leaves it."""
    shown = Schedule()
    shown.CopyFrom(_existing(changes, name).shown)
    shown.spec.CopyFrom(spec)
    return shown


def _existing(changes: ScheduleChanges, name: str) -> ScheduleState:
    state = changes.state(name)
    if state is None:
        raise schedule_not_found(name)
    return state


def _differ(old: Spec, new: Spec, field: str) -> bool:
    has = old.DESCRIPTOR.fields_by_name[field].has_presence
    if has and old.HasField(field) != new.HasField(field):  # type: ignore[arg-type]
        return True
    return bool(getattr(old, field) != getattr(new, field))


def _endless(timing: Timing) -> Timing:
    """The timing without start and end; an interval's slots go on before its start."""
    first_us = timing.first_us % timing.interval_us if timing.interval_us else 0
    return timing._replace(start_us=0, end_us=0, first_us=first_us)


def _check_name(request_id: str, name: str) -> None:
    problems = Problems()
    problems.request_id(request_id)
    check_schedule_name("name", name, problems)
    problems.check()


def _check_backfill(request: schedule_service_pb2.BackfillScheduleRequest) -> tuple[int, int]:
    """Both ends of the range."""
    problems = Problems()
    problems.request_id(request.request_id)
    check_schedule_name("name", request.name, problems)
    for field in ("from_time", "before_time"):
        if not request.HasField(field):  # type: ignore[arg-type]
            problems.add(field, "must be set")
        else:
            problems.timestamp(field, getattr(request, field))
    problems.check()
    since_us, before_us = timestamp_us(request.from_time) or 0, timestamp_us(request.before_time) or 0
    if before_us <= since_us:
        problems.add("before_time", "must be later than from_time")
        problems.check()
    return since_us, before_us
