"""From the runner's messages to values of `rockqueue`, and back: fields have the same names on both sides."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC
from typing import Any

import rockqueue
from rockqueue_conformance.protocol import driver_pb2 as pb

KINDS = (
    "RockQueueError", "InvalidRequest", "LimitExceeded", "PayloadError", "NotFound", "JobNotFound", "QueueNotFound",
    "InvalidState", "LeaseLost", "UniqueConflict", "ResourceExhausted", "QueueFull", "StorageFull", "Overloaded",
    "CursorExpired", "Unavailable", "DeadlineExceeded", "ServerError", "JobFailed", "ClientClosed", "FlowCycle",
    "ScheduleNotFound", "FlowNotFound", "WebhookNotFound", "WebhookDeliveryNotFound", "BackupExists", "BackupsOff",
    "WebhookVerification",
)  # fmt: skip
PARTS: dict[str, Callable[..., Any]] = {
    "RetryPolicy": rockqueue.RetryPolicy,
    "Unique": rockqueue.Unique,
    "RateLimit": rockqueue.RateLimit,
}
_NOT_THERE = object()
NAMED_OTHERWISE = {"WebhookVerification": "WebhookVerificationError"}


def given(message: Any, *left_out: str) -> dict[str, Any]:
    """The fields that are set, as arguments; but those named."""
    return {field.name: plain(value) for field, value in message.ListFields() if field.name not in left_out}


def plain(value: Any) -> Any:
    """What `rockqueue` takes for a value of a message."""
    kind = getattr(value, "DESCRIPTOR", None) and value.DESCRIPTOR.name
    if kind in PARTS:
        return PARTS[kind](**given(value))
    if kind == "Duration":
        return value.ToTimedelta()
    if kind == "Timestamp":
        return value.ToDatetime(tzinfo=UTC)
    if isinstance(value, (str, bytes, bool, int, float)):
        return value
    return dict(value) if hasattr(value, "items") else list(value)


def value_in(value: pb.Value) -> Any:
    """A payload or result to give to the SDK."""
    match value.WhichOneof("value"):
        case "json":
            return json.loads(value.json)
        case "raw":
            return value.raw
        case "letters":
            return "x" * value.letters
        case "unwritable":
            return float("nan")
        case _:
            return None


def new_job(job: pb.NewJob) -> rockqueue.NewJob:
    """A job to push."""
    return rockqueue.NewJob(job.queue, job.name, value_in(job.payload), **given(job, "queue", "name", "payload"))


def told(message: Any, *sources: object) -> Any:
    """The message with what the SDK's objects say under the names of its fields; what is None stays unset."""
    for field in message.DESCRIPTOR.fields:
        for source in filter(None, sources):
            try:
                value = getattr(source, field.name, _NOT_THERE)
            except rockqueue.PayloadError as error:
                message.payload.undecodable.CopyFrom(error_out(error))
                continue
            if value is _NOT_THERE:
                continue
            if field.message_type is not None and field.message_type.name == "Value":
                getattr(message, field.name).CopyFrom(value_out(value))
            elif value is not None:
                tell(message, field, value)
    return message


def tell(message: Any, field: Any, value: Any) -> None:
    """Sets a field."""
    kind = field.message_type
    if isinstance(value, dict):
        getattr(message, field.name).update(value)
    elif kind is not None and kind.name == "Timestamp":
        getattr(message, field.name).FromDatetime(value)
    elif field.is_repeated and kind is not None:
        for one in value:
            told(getattr(message, field.name).add(), one)
    elif field.is_repeated:
        getattr(message, field.name).extend(sorted(value) if field.name == "capabilities" else value)
    elif kind is not None:
        told(getattr(message, field.name), value)
    else:
        setattr(message, field.name, value)


def value_out(value: Any) -> pb.Value:
    """A payload or result that the SDK gave."""
    return pb.Value(raw=value) if isinstance(value, bytes) else pb.Value(json=json.dumps(value))


def error_out(error: BaseException) -> pb.Error:
    """An error as it came."""
    if not isinstance(error, rockqueue.RockQueueError):
        usage = isinstance(error, (ValueError, TypeError))
        return pb.Error(kinds=["Usage" if usage else "Unexpected"], message=f"{type(error).__name__}: {error}")
    found = pb.Error(
        kinds=[name for name in KINDS if isinstance(error, getattr(rockqueue, NAMED_OTHERWISE.get(name, name)))],
        code=error.code.name,
        reason=error.reason,
        message=error.message,
        metadata=error.metadata,
        request_id=error.request_id,
        outcome_unknown=error.outcome_unknown,
        fields=[path for path, _ in error.violations],
    )
    if error.retry_after is not None:
        found.retry_after.FromNanoseconds(round(error.retry_after * 1e9))
    if isinstance(error, rockqueue.JobFailed):
        told(found.job, error.job, error.job.origin)
    return found
