"""Between the contract's timestamps and durations and microseconds."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_US = 1_000_000
_LAST_SECOND = 253_402_300_799  # the end of the year 9999
_NANOS = 1_000_000_000
_LONGEST_DURATION_S = 315_576_000_000


def timestamp(us: int) -> Timestamp:
    """A Timestamp of microseconds since 1970."""
    return Timestamp(seconds=us // _US, nanos=us % _US * 1000)


def duration(us: int) -> Duration:
    """A Duration of `us` microseconds, 0 or more."""
    return Duration(seconds=us // _US, nanos=us % _US * 1000)


def timestamp_us(value: Timestamp) -> int | None:
    """Microseconds since 1970, rounded up so that a start time is never early; None when it is malformed."""
    if not (0 <= value.seconds <= _LAST_SECOND and 0 <= value.nanos < _NANOS):
        return None
    return value.seconds * _US + -(-value.nanos // 1000)


def duration_us(value: Duration) -> int | None:
    """Microseconds, rounded up so that a wait is never short; None when it is negative or malformed."""
    if not (0 <= value.seconds <= _LONGEST_DURATION_S and 0 <= value.nanos < _NANOS):
        return None
    return value.seconds * _US + -(-value.nanos // 1000)
