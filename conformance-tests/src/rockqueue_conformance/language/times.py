"""Times and durations in cases: RFC 3339 moments and proto3 JSON or short durations, exact to the nanosecond."""

from __future__ import annotations

import re

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_UNITS_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
_DURATION = re.compile(r"^(-?\d+)(?:\.(\d{1,9}))?(ns|us|ms|s|m|h|d)$")
_MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")


def duration_ns(text: str) -> int | None:
    """Nanoseconds of `1.5s`, `100ms`, `2h` or `7d`; None when the text is no duration."""
    found = _DURATION.match(text)
    if found is None:
        return None
    whole, part, unit = found.groups()
    scale = _UNITS_NS[unit]
    fraction = int(part.ljust(9, "0")) * scale // 10**9 if part else 0
    return int(whole) * scale + (-fraction if whole.startswith("-") else fraction)


def need_duration_ns(text: str) -> int:
    """Nanoseconds of a duration; ValueError when the text is none."""
    found = duration_ns(text)
    if found is None:
        raise ValueError(f"not a duration: {text!r} (write 10s, 100ms, 5m, 2h or 7d)")
    return found


def need_seconds(text: str) -> float:
    """The same in seconds."""
    return need_duration_ns(text) / 1e9


def moment_ns(text: str) -> int | None:
    """Nanoseconds since 1970 of an RFC 3339 moment in UTC; None when the text is none."""
    if _MOMENT.match(text) is None:
        return None
    stamp = Timestamp()
    stamp.FromJsonString(text)
    return stamp.ToNanoseconds()


def moment_text(value_ns: int) -> str:
    """The RFC 3339 text of nanoseconds since 1970."""
    stamp = Timestamp()
    stamp.FromNanoseconds(value_ns)
    return stamp.ToJsonString()


def duration_text(value_ns: int) -> str:
    """The proto3 JSON text of a duration, such as `1.500s`."""
    span = Duration()
    span.FromNanoseconds(value_ns)
    return span.ToJsonString()
