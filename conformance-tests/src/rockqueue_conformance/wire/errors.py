"""A failed call as plain data: code, reason, metadata, violated fields, and how long to wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "rockqueue"

CODE_OF_REASON = {
    "INVALID_FIELD": "INVALID_ARGUMENT",
    "LIMIT_EXCEEDED": "INVALID_ARGUMENT",
    "REQUEST_ID_REUSED": "INVALID_ARGUMENT",
    "JOB_NOT_FOUND": "NOT_FOUND",
    "QUEUE_NOT_FOUND": "NOT_FOUND",
    "INVALID_STATE": "FAILED_PRECONDITION",
    "LEASE_LOST": "FAILED_PRECONDITION",
    "UNIQUE_CONFLICT": "ALREADY_EXISTS",
    "QUEUE_FULL": "RESOURCE_EXHAUSTED",
    "STORAGE_FULL": "RESOURCE_EXHAUSTED",
    "OVERLOADED": "RESOURCE_EXHAUSTED",
    "CURSOR_EXPIRED": "OUT_OF_RANGE",
    "SHUTTING_DOWN": "UNAVAILABLE",
    "STORAGE_FAILED": "UNAVAILABLE",
    "INTERNAL": "INTERNAL",
    "PROTOCOL_VIOLATION": "FAILED_PRECONDITION",
    "SESSION_TAKEN": "ABORTED",
    "SLOW_READER": "UNAVAILABLE",
    "SCHEDULE_NOT_FOUND": "NOT_FOUND",
    "FLOW_NOT_FOUND": "NOT_FOUND",
    "FLOW_CYCLE": "INVALID_ARGUMENT",
    "WEBHOOK_NOT_FOUND": "NOT_FOUND",
    "WEBHOOK_DELIVERY_NOT_FOUND": "NOT_FOUND",
    "BACKUP_EXISTS": "ALREADY_EXISTS",
    "BACKUPS_OFF": "FAILED_PRECONDITION",
}
"""The canonical code of each reason, as `error_reason.proto` gives it."""

WAITING_HELPS = frozenset({"QUEUE_FULL", "STORAGE_FULL", "OVERLOADED", "SHUTTING_DOWN"})
"""Reasons that must come with RetryInfo."""

CODE_NUMBERS = {code.name: int(code.value[0]) for code in grpc.StatusCode}
"""Canonical codes by name, as the numbers that EntryStatus carries."""


MOST_FIELDS = 32
"""How many violations one error may name."""


@dataclass(slots=True)
class CallError:
    """What the caller of a failed call can see."""

    code: str
    message: str = ""
    reason: str = ""
    domain: str = ""
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    fields: list[str] = field(default_factory=list[str])
    retry_after: bool = False

    def to_data(self) -> dict[str, Any]:
        """The error as the case language matches it."""
        return {
            "code": self.code,
            "reason": self.reason,
            "domain": self.domain,
            "metadata": self.metadata,
            "fields": self.fields,
            "retry_after": self.retry_after,
            "message": self.message,
        }


def read_error(error: grpc.aio.AioRpcError) -> CallError:
    """The status and its google.rpc details; a status without details keeps only code and message."""
    seen = CallError(error.code().name, error.details() or "")
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            _read_details(status_pb2.Status.FromString(value), seen)
    return seen


def _read_details(status: status_pb2.Status, seen: CallError) -> None:
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            seen.reason, seen.domain = info.reason, info.domain
            seen.metadata = dict(info.metadata)
        elif detail.Unpack(bad):
            seen.fields = [violation.field for violation in bad.field_violations]
        elif detail.Unpack(retry):
            seen.retry_after = retry.retry_delay.ToNanoseconds() > 0


def flaws(error: CallError) -> list[str]:
    """What the contract forbids in any error with a reason, whatever the case expects."""
    found: list[str] = []
    if error.domain != DOMAIN:
        found.append(f"the error domain is {error.domain!r}, not {DOMAIN!r}")
    expected = CODE_OF_REASON.get(error.reason)
    if expected is not None and expected != error.code:
        found.append(f"reason {error.reason} came with {error.code}; the contract pairs it with {expected}")
    if error.reason in WAITING_HELPS and not error.retry_after:
        found.append(f"reason {error.reason} came without RetryInfo")
    if error.reason == "INVALID_FIELD" and not 1 <= len(error.fields) <= MOST_FIELDS:
        found.append(f"INVALID_FIELD names {len(error.fields)} fields; 1 to {MOST_FIELDS} are allowed")
    if error.reason and "Traceback" in error.message:
        found.append("the message holds a traceback")
    return found
