"""Durations as users write them (seconds or timedelta) and as the contract carries them (google.protobuf.Duration)."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

Seconds = float | timedelta
"""A duration: a number of seconds, or a timedelta."""


def seconds(value: Seconds, option: str) -> float:
    """The duration in seconds. Raises ValueError, naming `option`, when it is negative or not a finite number."""
    result = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if not math.isfinite(result) or result < 0:
        raise ValueError(f"{option} must be 0 or more seconds, not {value!r}")
    return result


def to_duration(value: Seconds) -> Duration:
    """The duration as a message, exact to the microsecond for timedelta and to the nanosecond for seconds."""
    if isinstance(value, timedelta):
        message = Duration()
        message.FromTimedelta(value)
        return message
    nanos = round(value * 1e9)
    sign = -1 if nanos < 0 else 1
    whole, rest = divmod(abs(nanos), 1_000_000_000)
    return Duration(seconds=sign * whole, nanos=sign * rest)


def from_duration(message: Duration) -> float:
    """The message in seconds."""
    return message.seconds + message.nanos / 1e9


def to_timestamp(value: datetime, option: str) -> Timestamp:
    """The moment as a message. Raises ValueError, naming `option`, for a datetime without time zone."""
    if value.tzinfo is None:
        raise ValueError(f"{option} needs a datetime with a time zone, such as datetime.now(UTC); got {value!r}")
    message = Timestamp()
    message.FromDatetime(value.astimezone(UTC))
    return message


def from_timestamp(message: Timestamp) -> datetime:
    """The message as a datetime in UTC."""
    return message.ToDatetime(tzinfo=UTC)


def moment(message: Message, name: str) -> datetime | None:
    """A timestamp field that may not be set."""
    return from_timestamp(getattr(message, name)) if message.HasField(name) else None


def span(message: Message, name: str) -> timedelta | None:
    """A duration field that may not be set."""
    if not message.HasField(name):
        return None
    value: Duration = getattr(message, name)
    return value.ToTimedelta()
