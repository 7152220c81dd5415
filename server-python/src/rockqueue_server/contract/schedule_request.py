"""Decides whether a schedule may be put, and makes its timing of what it says."""

from __future__ import annotations

import re
from itertools import pairwise

from rockqueue.v1 import job_pb2, schedule_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import admit_at
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.times import duration_us, timestamp_us
from rockqueue_server.rules.cron import CronError, parse
from rockqueue_server.rules.slots import Timing, next_slot, zone_of

_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,128}\Z")
_GAPS_LOOKED_AT = 50
_NOT_IN_JOB = ("run_time", "expire_time", "unique", "origin")

Spec = schedule_service_pb2.ScheduleSpec


def valid_schedule(name: str) -> bool:
    """Whether a schedule may have this name."""
    return _NAME.match(name) is not None


def check_schedule_name(path: str, name: str, problems: Problems) -> None:
    """Notes what is wrong with the name of a schedule."""
    if not valid_schedule(name):
        problems.add(path, "must be 1 to 128 characters of A-Z a-z 0-9 . _ -")


def check_prefix(prefix: str, problems: Problems) -> None:
    """Notes that no name begins like this."""
    if not _PREFIX.match(prefix):
        problems.add("prefix", "must be at most 128 characters of A-Z a-z 0-9 . _ -")


def timing_of(spec: Spec, made_us: int) -> Timing:
    """The timing of a spec that passed `check_spec`. `made_us` is when the schedule was made.

    Raises ValueError when what was allowed then is so no more: time zones are dropped now and then.
    """
    start_us = (timestamp_us(spec.start_time) or 0) if spec.HasField("start_time") else 0
    end_us = (timestamp_us(spec.end_time) or 0) if spec.HasField("end_time") else 0
    if spec.WhichOneof("timing") == "cron":
        zone = zone_of(spec.time_zone or "UTC")
        if zone is None:
            raise ValueError(f"there is no time zone {spec.time_zone!r} any more")
        return Timing(parse(spec.cron), zone, start_us=start_us, end_us=end_us)
    interval_us = duration_us(spec.interval) or 0
    first_us = start_us if spec.HasField("start_time") else made_us + interval_us
    return Timing(first_us=first_us, interval_us=interval_us, start_us=start_us, end_us=end_us)


def jitter_us(spec: Spec) -> int:
    """By how much a slot may fire late."""
    return (duration_us(spec.jitter) or 0) if spec.HasField("jitter") else 0


def check_spec(spec: Spec, path: str, now_us: int, problems: Problems, *, preview: bool = False) -> None:
    """Notes what is wrong with a schedule; for a `preview` name and job may be missing."""
    if spec.name or not preview:
        check_schedule_name(f"{path}.name", spec.name, problems)
    timed = _check_timing(spec, path, problems)
    if spec.HasField("max_runs") and spec.max_runs < 1:
        problems.add(f"{path}.max_runs", "must be 1 or more")
    if spec.HasField("jitter"):
        late_us = problems.duration(f"{path}.jitter", spec.jitter, limits.MAX_JITTER_US)
        if timed and late_us:
            _check_jitter(spec, late_us, path, now_us, problems)
    problems.known_enum(f"{path}.misfire", spec.misfire, schedule_service_pb2.MisfirePolicy)
    if spec.HasField("catch_up"):
        problems.duration(f"{path}.catch_up", spec.catch_up, limits.MAX_CATCH_UP_US, least_us=1)
    problems.known_enum(f"{path}.overlap", spec.overlap, schedule_service_pb2.OverlapPolicy)
    if spec.HasField("job"):
        _check_job(spec.job, f"{path}.job", now_us, problems)
    elif not preview:
        problems.add(f"{path}.job", "must be set")


def _check_timing(spec: Spec, path: str, problems: Problems) -> bool:
    """Returns whether slots can be told."""
    kind = spec.WhichOneof("timing")
    good = kind is not None
    if kind is None:
        problems.add(f"{path}.timing", "must be set: give cron or interval")
    elif kind == "cron":
        try:
            parse(spec.cron)
        except CronError as error:
            problems.add(f"{path}.cron", str(error))
            good = False
        if spec.time_zone and zone_of(spec.time_zone) is None:
            problems.add(f"{path}.time_zone", "must be the name of an IANA time zone, such as Europe/London")
            good = False
    else:
        good = bool(
            problems.duration(
                f"{path}.interval", spec.interval, limits.MAX_INTERVAL_US, least_us=limits.MIN_INTERVAL_US
            )
        )
        if spec.time_zone:
            problems.add(f"{path}.time_zone", "goes with cron: an interval has no time zone")
    start_us = problems.timestamp(f"{path}.start_time", spec.start_time) if spec.HasField("start_time") else 0
    if spec.HasField("end_time"):
        end_us = problems.timestamp(f"{path}.end_time", spec.end_time)
        if start_us and end_us and end_us <= start_us:
            problems.add(f"{path}.end_time", "must be later than start_time")
    return good


def _check_jitter(spec: Spec, late_us: int, path: str, now_us: int, problems: Problems) -> None:
    """Jitter must not reach the next slot; of cron expressions the next ones are looked at."""
    timing = timing_of(spec, now_us)._replace(end_us=0)
    gap_us = timing.interval_us
    if timing.cron is not None:
        times: list[int] = []
        slot_us = next_slot(timing, now_us)
        while slot_us is not None and len(times) < _GAPS_LOOKED_AT:
            times.append(slot_us)
            slot_us = next_slot(timing, slot_us)
        gap_us = min((later - earlier for earlier, later in pairwise(times)), default=late_us + 1)
    if late_us >= gap_us:
        problems.add(f"{path}.jitter", f"must be less than the time between two slots, {gap_us / limits.SECOND_US:g} s")


def _check_job(job: job_pb2.JobSpec, path: str, now_us: int, problems: Problems) -> None:
    for field in _NOT_IN_JOB:
        if job.HasField(field):  # type: ignore[arg-type]
            problems.add(f"{path}.{field}", "must not be set in the job of a schedule")
    # A copy: admission makes moments of spans, which are to count from each push anew.
    copy = job_pb2.JobSpec()
    copy.CopyFrom(job)
    for field in _NOT_IN_JOB:
        copy.ClearField(field)  # type: ignore[arg-type]
    admit_at(copy, path, now_us, problems)
