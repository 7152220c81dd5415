"""Calls that have no command of their own: from JSON with the contract's names to values of the SDK, and back."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict
from google.protobuf.timestamp_pb2 import Timestamp

import rockqueue
from rockqueue_conformance.protocol import driver_pb2 as pb

from .values import new_job, plain

Json = dict[str, Any]

TIMES = ("start_time", "end_time", "after_time", "from_time", "before_time")
DURATIONS = ("interval", "jitter", "catch_up", "overlap", "period")
SPEC = ("name", "cron", "interval", "time_zone", "start_time", "end_time", "max_runs", "jitter", "catch_up")
FILTER = ("queues", "names", "types", "job_ids", "flow_ids", "schedules")


def moment(text: str) -> datetime:
    """A time in RFC 3339."""
    message = Timestamp()
    message.FromJsonString(text)
    return plain(message)


def length(text: str) -> timedelta:
    """A duration such as "1.5s"."""
    message = Duration()
    message.FromJsonString(text)
    return plain(message)


def options(arguments: Json, *left_out: str) -> Json:
    """Arguments as the SDK takes them, but those named."""
    found: Json = {}
    for name, value in arguments.items():
        if name in left_out:
            continue
        if name in TIMES:
            found[name] = moment(value)
        elif name in DURATIONS and str(value)[-1:] == "s":
            found[name] = length(value)
        elif name == "rate":
            found[name] = rockqueue.RateLimit(**options(value))
        else:
            found[name] = value
    return found


def job_in(arguments: Json) -> rockqueue.NewJob:
    """A job, in the JSON form of the driver's message; its payload is any value."""
    job = new_job(ParseDict({name: value for name, value in arguments.items() if name != "payload"}, pb.NewJob()))
    return rockqueue.NewJob(job.queue, job.name, arguments.get("payload"), **job.options)


def out(value: Any) -> Any:
    """A value of the SDK in JSON; of an object what there is of its fields."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        time = Timestamp()
        time.FromDatetime(value)
        return time.ToJsonString()
    if isinstance(value, timedelta):
        span = Duration()
        span.FromTimedelta(value)
        return span.ToJsonString()
    if isinstance(value, (list, tuple)):
        return [out(one) for one in cast(list[Any], value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return fields(value)
    return value


def fields(value: Any, *left_out: str, **renamed: str) -> Json:
    """The fields of an object that say something; those that have another name in the contract are renamed."""
    found = {field.name: out(getattr(value, field.name)) for field in dataclasses.fields(value)}
    kept = {name: one for name, one in found.items() if one not in (None, "", []) and name not in left_out}
    return {renamed.get(name, name): one for name, one in kept.items() if name not in ("proto", "codec")}


def parts(found: Json, names: Iterable[str]) -> Json:
    """Takes fields out of an object, for one that the contract has inside of it."""
    return {name: found.pop(name) for name in names if name in found}


def timing_in(spec: Json) -> Json:
    """The options of a schedule."""
    found = options(spec, "name", "job", "misfire", "overlap")
    if "interval" in found:
        found["every"] = found.pop("interval")
    return {**found, **{name: spec[name].lower() for name in ("misfire", "overlap") if name in spec}}


def schedule_out(schedule: rockqueue.Schedule) -> Json:
    """A schedule as the contract has it."""
    found = fields(schedule, "created", every="interval")
    spec = parts(found, SPEC)
    spec.update({name: word.upper() for name, word in parts(found, ("misfire", "overlap")).items()})
    spec["job"] = {"queue": found.pop("queue"), "name": found.pop("job_name"), "payload": schedule.payload}
    return {"spec": spec, **found}


def flow_out(flow: rockqueue.FlowInfo) -> Json:
    """A flow as the contract has it, without its jobs."""
    return fields(flow, "jobs", size="jobs")


def group_out(group: rockqueue.Group) -> Json:
    """A group as the contract has it."""
    found = fields(group)
    return {"settings": parts(found, ("weight", "max_active", "rate")), **found}


def webhook_out(webhook: rockqueue.Webhook) -> Json:
    """A webhook as the contract has it, with its secret beside it where it is shown."""
    found = fields(webhook, "created")
    secret = parts(found, ("secret",))
    spec = parts(found, ("name", "url", "disabled"))
    wanted = parts(found, FILTER)
    return {"webhook": {"spec": {**spec, **({"filter": wanted} if wanted else {})}, **found}, **secret}
