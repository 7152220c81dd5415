"""Jobs that come again and again: `client.schedules`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict, Unpack, cast

from rockqueue import _methods as methods
from rockqueue._durations import Seconds, from_timestamp, moment, span, to_duration, to_timestamp
from rockqueue._operations import new_request_id
from rockqueue._options import NewJob, build_spec, choice
from rockqueue._payloads import PayloadCodec, decoded
from rockqueue._surface import AsyncPart, SyncPart
from rockqueue.v1 import schedule_service_pb2 as pb

# `list` is a method of the schedules.
JobIds = list[str]
Slots = list[datetime]

Misfire = Literal["fire_once", "fire_all", "skip"]
Overlap = Literal["allow", "skip", "queue_one", "cancel_running"]

_MISFIRES: dict[str, pb.MisfirePolicy] = {
    "fire_once": pb.MISFIRE_POLICY_FIRE_ONCE,
    "fire_all": pb.MISFIRE_POLICY_FIRE_ALL,
    "skip": pb.MISFIRE_POLICY_SKIP,
}
_OVERLAPS: dict[str, pb.OverlapPolicy] = {
    "allow": pb.OVERLAP_POLICY_ALLOW,
    "skip": pb.OVERLAP_POLICY_SKIP,
    "queue_one": pb.OVERLAP_POLICY_QUEUE_ONE,
    "cancel_running": pb.OVERLAP_POLICY_CANCEL_RUNNING,
}


class ScheduleOptions(TypedDict, total=False):
    """When a schedule fires; None is the same as leaving an option out.

    cron or every: A cron expression of 5 fields, of 6 with the second first, or "@daily" and the like; or an interval.
    time_zone: The IANA zone in which `cron` is read, such as "Europe/London". Default: UTC.
    start_time, end_time: No slot before this moment; none at or after this one.
    max_runs: After so many slots there are no more.
    jitter: Each slot fires up to this long late.
    misfire: What becomes of slots that were missed while the server was down. "fire_once" (default): one job for all of
        them; "fire_all": one for each, up to 100; "skip": none.
    catch_up: Missed slots that are older than this make no job. Default: 24 h.
    overlap: What becomes of a slot while an earlier job of the schedule is not finished. "allow" (default); "skip";
        "queue_one": the latest such slot waits for it; "cancel_running": the earlier job is cancelled.
    """

    cron: str | None
    every: Seconds | None
    time_zone: str | None
    start_time: datetime | None
    end_time: datetime | None
    max_runs: int | None
    jitter: Seconds | None
    misfire: Misfire | None
    catch_up: Seconds | None
    overlap: Overlap | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as the server knows it: what was asked for, and how it fares.

    Attributes:
        queue, job_name: Where its jobs wait, and their kind; `payload` is their input.
        paused: True while no slot fires.
        next_time: The next slot, without jitter. None: paused, or there are no more.
        last_slot_time, last_job_id: The last slot that fired, and the job that was pushed last.
        runs, skipped: How many slots fired, and how many made no job by policy.
        queued_slot_time: The slot that waits for an earlier job, with "queue_one".
        created: Of the result of a put: True when there was none of this name.
        proto: The schedule as the contract carries it; `proto.spec.job` has all options of its jobs.
    """

    name: str
    cron: str | None
    every: timedelta | None
    time_zone: str | None
    start_time: datetime | None
    end_time: datetime | None
    max_runs: int | None
    jitter: timedelta | None
    misfire: str | None
    catch_up: timedelta | None
    overlap: str | None
    queue: str
    job_name: str
    paused: bool
    create_time: datetime | None
    update_time: datetime | None
    next_time: datetime | None
    last_slot_time: datetime | None
    last_job_id: str | None
    runs: int
    skipped: int
    queued_slot_time: datetime | None
    created: bool
    proto: pb.Schedule = field(repr=False, compare=False)
    codec: PayloadCodec = field(repr=False, compare=False)

    @property
    def payload(self) -> Any:
        """The input of its jobs, decoded. Raises PayloadError."""
        return decoded(self.codec, self.proto.spec.job.payload, self.proto.spec.job.content_type)

    @classmethod
    def of(cls, schedule: pb.Schedule, codec: PayloadCodec, *, created: bool = False) -> Schedule:
        """The message as a value."""
        spec = schedule.spec
        return cls(
            name=spec.name,
            cron=spec.cron or None,
            every=span(spec, "interval"),
            time_zone=spec.time_zone or None,
            start_time=moment(spec, "start_time"),
            end_time=moment(spec, "end_time"),
            max_runs=spec.max_runs if spec.HasField("max_runs") else None,
            jitter=span(spec, "jitter"),
            misfire=_word(pb.MisfirePolicy.Name, spec.misfire, "MISFIRE_POLICY_"),
            catch_up=span(spec, "catch_up"),
            overlap=_word(pb.OverlapPolicy.Name, spec.overlap, "OVERLAP_POLICY_"),
            queue=spec.job.queue,
            job_name=spec.job.name,
            paused=schedule.paused,
            create_time=moment(schedule, "create_time"),
            update_time=moment(schedule, "update_time"),
            next_time=moment(schedule, "next_time"),
            last_slot_time=moment(schedule, "last_slot_time"),
            last_job_id=schedule.last_job_id or None,
            runs=schedule.runs,
            skipped=schedule.skipped,
            queued_slot_time=moment(schedule, "queued_slot_time"),
            created=created,
            proto=schedule,
            codec=codec,
        )


def _word(name_of: Any, value: int, prefix: str) -> str | None:
    if not value:
        return None
    try:
        return cast(str, name_of(value)).removeprefix(prefix).lower()
    except ValueError:
        return "unknown"


def schedule_spec(name: str, options: ScheduleOptions) -> pb.ScheduleSpec:
    """A schedule without its job, as the contract carries it. Raises TypeError, ValueError."""
    given = {option: value for option, value in options.items() if value is not None}
    unknown = options.keys() - ScheduleOptions.__annotations__.keys()
    if unknown:
        known = ", ".join(ScheduleOptions.__annotations__)
        raise TypeError(f"unknown schedule option {min(unknown)!r}; there are: {known}")
    if ("cron" in given) == ("every" in given):
        raise ValueError("a schedule needs cron=... or every=..., and not both")
    spec = pb.ScheduleSpec(name=name)
    for option, value in given.items():
        _set(spec, option, value)
    return spec


def _set(spec: pb.ScheduleSpec, option: str, value: Any) -> None:
    if option in ("start_time", "end_time"):
        getattr(spec, option).CopyFrom(to_timestamp(value, option))
    elif option == "every":
        spec.interval.CopyFrom(to_duration(value))
    elif option in ("jitter", "catch_up"):
        getattr(spec, option).CopyFrom(to_duration(value))
    elif option == "misfire":
        spec.misfire = choice(_MISFIRES, value, option)
    elif option == "overlap":
        spec.overlap = choice(_OVERLAPS, value, option)
    else:
        setattr(spec, option, value)


def _put_request(name: str, job: NewJob, options: ScheduleOptions, codec: PayloadCodec) -> pb.PutScheduleRequest:
    spec = schedule_spec(name, options)
    spec.job.CopyFrom(build_spec(job.queue, job.name, job.payload, job.options, codec))
    return pb.PutScheduleRequest(request_id=new_request_id(), schedule=spec)


def _backfill_request(name: str, from_time: datetime, before_time: datetime) -> pb.BackfillScheduleRequest:
    return pb.BackfillScheduleRequest(
        request_id=new_request_id(),
        name=name,
        from_time=to_timestamp(from_time, "from_time"),
        before_time=to_timestamp(before_time, "before_time"),
    )


def _preview_request(
    name: str | None, after_time: datetime | None, count: int | None, options: ScheduleOptions
) -> pb.PreviewScheduleRequest:
    request = pb.PreviewScheduleRequest(count=count or 0)
    if name is None:
        request.schedule.CopyFrom(schedule_spec("", options))
    elif options:
        raise TypeError("preview takes the name of a schedule, or the options of one that could be put")
    else:
        request.name = name
    if after_time is not None:
        request.after_time.CopyFrom(to_timestamp(after_time, "after_time"))
    return request


class Schedules(AsyncPart):
    """`client.schedules` of the async client."""

    async def put(self, name: str, job: NewJob, **options: Unpack[ScheduleOptions]) -> Schedule:
        """Makes a schedule that pushes `job`, or replaces the one of this name; see `ScheduleOptions`.

            await client.schedules.put("nightly", digest.new(days=1), cron="0 3 * * *", time_zone="Europe/London")

        A replaced schedule keeps its counts and whether it is paused, so a program can put its schedules each time it
        starts. Its jobs pass through no push middleware. Raises InvalidRequest, PayloadError, ValueError.
        """
        codec = self._client.codec
        response = await self._call(methods.PUT_SCHEDULE, _put_request(name, job, options, codec))
        return Schedule.of(response.schedule, codec, created=response.created)

    async def get(self, name: str) -> Schedule:
        """One schedule. Raises ScheduleNotFound."""
        response = await self._call(methods.GET_SCHEDULE, pb.GetScheduleRequest(name=name))
        return Schedule.of(response.schedule, self._client.codec)

    async def list(self, prefix: str = "") -> AsyncIterator[Schedule]:
        """All schedules whose name begins with `prefix`, by name."""
        async for page in self._pages(methods.LIST_SCHEDULES, pb.ListSchedulesRequest(prefix=prefix)):
            for schedule in page.schedules:
                yield Schedule.of(schedule, self._client.codec)

    async def delete(self, name: str) -> None:
        """Removes a schedule; the jobs that it pushed stay. Raises ScheduleNotFound."""
        await self._call(methods.DELETE_SCHEDULE, pb.DeleteScheduleRequest(request_id=new_request_id(), name=name))

    async def pause(self, name: str) -> Schedule:
        """Lets no slot fire until `resume`; slots that pass meanwhile make no jobs. Raises ScheduleNotFound."""
        request = pb.PauseScheduleRequest(request_id=new_request_id(), name=name)
        return Schedule.of((await self._call(methods.PAUSE_SCHEDULE, request)).schedule, self._client.codec)

    async def resume(self, name: str) -> Schedule:
        """Goes on with the first slot after now. Raises ScheduleNotFound."""
        request = pb.ResumeScheduleRequest(request_id=new_request_id(), name=name)
        return Schedule.of((await self._call(methods.RESUME_SCHEDULE, request)).schedule, self._client.codec)

    async def trigger(self, name: str) -> str | None:
        """Fires now, paused or not, and returns the job's id; None when `overlap` let none be pushed now.

        Raises ScheduleNotFound.
        """
        request = pb.TriggerScheduleRequest(request_id=new_request_id(), name=name)
        return (await self._call(methods.TRIGGER_SCHEDULE, request)).job_id or None

    async def backfill(self, name: str, from_time: datetime, before_time: datetime) -> JobIds:
        """Pushes a job for each slot of a range, whatever was fired before; returns their ids, by slot.

        Raises ScheduleNotFound, LimitExceeded for more than 1,000 slots.
        """
        request = _backfill_request(name, from_time, before_time)
        return [*(await self._call(methods.BACKFILL_SCHEDULE, request)).job_ids]

    async def preview(
        self,
        name: str | None = None,
        *,
        after_time: datetime | None = None,
        count: int | None = None,
        **options: Unpack[ScheduleOptions],
    ) -> Slots:
        """The next slots of a schedule, or of one that could be put: `preview(cron="0 3 * * *", count=3)`.

        They come after `after_time`, default now; `count` is 1 to 1,000, default 5. Raises ScheduleNotFound.
        """
        request = _preview_request(name, after_time, count, options)
        return [from_timestamp(slot) for slot in (await self._call(methods.PREVIEW_SCHEDULE, request)).slots]


class SyncSchedules(SyncPart):
    """`client.schedules` of the sync client; see `Schedules`."""

    def put(self, name: str, job: NewJob, **options: Unpack[ScheduleOptions]) -> Schedule:
        """Makes a schedule that pushes `job`, or replaces the one of this name; see `ScheduleOptions`."""
        codec = self._client.codec
        response = self._call(methods.PUT_SCHEDULE, _put_request(name, job, options, codec))
        return Schedule.of(response.schedule, codec, created=response.created)

    def get(self, name: str) -> Schedule:
        """One schedule. Raises ScheduleNotFound."""
        response = self._call(methods.GET_SCHEDULE, pb.GetScheduleRequest(name=name))
        return Schedule.of(response.schedule, self._client.codec)

    def list(self, prefix: str = "") -> Iterator[Schedule]:
        """All schedules whose name begins with `prefix`, by name."""
        for page in self._pages(methods.LIST_SCHEDULES, pb.ListSchedulesRequest(prefix=prefix)):
            for schedule in page.schedules:
                yield Schedule.of(schedule, self._client.codec)

    def delete(self, name: str) -> None:
        """Removes a schedule; the jobs that it pushed stay. Raises ScheduleNotFound."""
        self._call(methods.DELETE_SCHEDULE, pb.DeleteScheduleRequest(request_id=new_request_id(), name=name))

    def pause(self, name: str) -> Schedule:
        """Lets no slot fire until `resume`; slots that pass meanwhile make no jobs. Raises ScheduleNotFound."""
        request = pb.PauseScheduleRequest(request_id=new_request_id(), name=name)
        return Schedule.of(self._call(methods.PAUSE_SCHEDULE, request).schedule, self._client.codec)

    def resume(self, name: str) -> Schedule:
        """Goes on with the first slot after now. Raises ScheduleNotFound."""
        request = pb.ResumeScheduleRequest(request_id=new_request_id(), name=name)
        return Schedule.of(self._call(methods.RESUME_SCHEDULE, request).schedule, self._client.codec)

    def trigger(self, name: str) -> str | None:
        """Fires now and returns the job's id; None when `overlap` let none be pushed now. Raises ScheduleNotFound."""
        request = pb.TriggerScheduleRequest(request_id=new_request_id(), name=name)
        return self._call(methods.TRIGGER_SCHEDULE, request).job_id or None

    def backfill(self, name: str, from_time: datetime, before_time: datetime) -> JobIds:
        """Pushes a job for each slot of a range, whatever was fired before; returns their ids, by slot."""
        request = _backfill_request(name, from_time, before_time)
        return [*self._call(methods.BACKFILL_SCHEDULE, request).job_ids]

    def preview(
        self,
        name: str | None = None,
        *,
        after_time: datetime | None = None,
        count: int | None = None,
        **options: Unpack[ScheduleOptions],
    ) -> Slots:
        """The next slots of a schedule, or of one that could be put: `preview(cron="0 3 * * *", count=3)`."""
        request = _preview_request(name, after_time, count, options)
        return [from_timestamp(slot) for slot in self._call(methods.PREVIEW_SCHEDULE, request).slots]
