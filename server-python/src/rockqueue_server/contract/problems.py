"""Collects what is wrong with a request, so that one answer names every field at fault."""

from __future__ import annotations

import re
from collections.abc import Iterable

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from rockqueue_server.contract import limits, times
from rockqueue_server.errors import FieldViolation, ServiceError, invalid_field, limit_exceeded

_MOST = 32
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUEUE = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,256}\Z")
_BACKUP = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}\Z")
_REQUEST_ID = re.compile(r"[\x20-\x7e]{0,64}\Z")

QUEUE_RULE = "must be 1 to 128 characters of A-Z a-z 0-9 . _ - and not '.' or '..'"


def valid_queue(name: str) -> bool:
    """Whether a queue may have this name."""
    return _QUEUE.match(name) is not None and name not in (".", "..")


def valid_name(name: str) -> bool:
    """Whether a job may have this name."""
    return _NAME.match(name) is not None


def valid_media_type(value: str) -> bool:
    """Whether this may be a media type; nothing at all may."""
    return len(value) <= limits.CONTENT_TYPE_CHARS and value.isascii() and value.isprintable()


def about(request_id: str, path: str, name: str) -> Problems:
    """What is wrong with a request that names, at `path`, a thing that is named like a queue."""
    problems = Problems()
    problems.request_id(request_id)
    problems.queue(path, name)
    return problems


class Problems:
    """What was found so far. `check()` raises when there is anything."""

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []
        self._limit: ServiceError | None = None

    @property
    def full(self) -> bool:
        """Enough was found to stop looking."""
        return len(self._violations) >= _MOST

    def add(self, path: str, rule: str) -> None:
        """The field at `path` breaks `rule`."""
        self._violations.append(FieldViolation(path, rule))

    def over(self, path: str, limit: int, actual: int, unit: str) -> None:
        """The field at `path` has `actual` of a `unit` of which `limit` are allowed."""
        error = limit_exceeded(path, limit, actual, unit)
        if not self._violations:
            self._limit = error
        self._violations.extend(error.violations)

    def nested(self, path: str, inner: Problems) -> None:
        """What was found in a part that stands at `path`."""
        for violation in inner._violations:
            self.add(f"{path}.{violation.field}", violation.description)

    def check(self) -> None:
        """Raises LIMIT_EXCEEDED or INVALID_FIELD, by what was found first."""
        if self._limit is not None:
            self._limit.violations = tuple(self._violations[:_MOST])
            raise self._limit
        if self._violations:
            raise invalid_field(*self._violations[:_MOST])

    def request_id(self, value: str) -> None:
        """A request id: up to 64 printable ASCII characters."""
        if not _REQUEST_ID.match(value):
            self.add("request_id", "must be at most 64 printable ASCII characters")

    def queue(self, path: str, name: str) -> None:
        """A queue's name."""
        if not valid_queue(name):
            self.add(path, QUEUE_RULE)

    def resets(self, names: Iterable[str], settings: Message) -> None:
        """Fields of `settings` that are to get their defaults."""
        kind = settings.DESCRIPTOR
        for index, name in enumerate(names):
            if name not in kind.fields_by_name:
                self.add(f"reset[{index}]", f"must be the name of a field of {kind.name}")
            elif settings.HasField(name):
                self.add(f"reset[{index}]", "must not be set and reset at once")

    def backup_name(self, path: str, name: str) -> None:
        """A backup's name; nothing at all may be."""
        if name and not _BACKUP.match(name):
            self.add(path, "must be 1 to 128 characters of A-Z a-z 0-9 . _ - and not begin with '.'")

    def queues(self, path: str, names: list[str]) -> None:
        """The queues of a session or a pull."""
        if len(names) > limits.SESSION_QUEUES:
            self.over(path, limits.SESSION_QUEUES, len(names), "queues")
            return
        if not names:
            self.add(path, "must name at least one queue")
        for index, name in enumerate(names):
            self.queue(f"{path}[{index}]", name)
        if len(set(names)) != len(names):
            self.add(path, "must name each queue once")

    def text(self, path: str, value: str, most: int, *, least: int = 1) -> None:
        """Text of `least` to `most` characters without control characters."""
        if not least <= len(value) <= most or _CONTROL.search(value):
            self.add(path, f"must be {least} to {most} characters without control characters")

    def media_type(self, path: str, value: str) -> None:
        """A media type, or nothing."""
        if not valid_media_type(value):
            self.add(path, f"must be at most {limits.CONTENT_TYPE_CHARS} printable ASCII characters")

    def duration(self, path: str, value: Duration, most_us: int, *, least_us: int = 0) -> int:
        """Microseconds of a duration of `least_us` to `most_us`; 0 when it is not one, and then a problem is noted."""
        us = times.duration_us(value)
        if us is None:
            self.add(path, "must be a valid duration of 0 or more")
            return 0
        if us > most_us:
            self.over(path, most_us // limits.SECOND_US, -(-us // limits.SECOND_US), "seconds")
            return 0
        if us < least_us:
            self.add(
                path, "must be above 0" if least_us == 1 else f"must be at least {least_us / limits.SECOND_US:g} s"
            )
            return 0
        return us

    def timestamp(self, path: str, value: Timestamp) -> int:
        """Microseconds since 1970; 0 when it is malformed, and then a problem is noted."""
        us = times.timestamp_us(value)
        if us is None:
            self.add(path, "must be a valid time in the years 1970 to 9999")
            return 0
        return us

    def known_enum(self, path: str, value: int, known: object) -> None:
        """A number of an enum. `known` is the generated enum type."""
        if value not in known.values():  # type: ignore[attr-defined]
            self.add(path, f"{value} is not a value of this enum")
