"""From what the wire or the embedded core says to the error class that users catch: by reason, then by code."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from rockqueue import _errors as errors
from rockqueue._durations import from_duration
from rockqueue.v1 import job_service_pb2

log = logging.getLogger("rockqueue")

DOMAIN = "rockqueue"
DETAILS_KEY = "grpc-status-details-bin"

_BY_REASON: Mapping[str, type[errors.RockQueueError]] = {
    "INVALID_FIELD": errors.InvalidRequest,
    "LIMIT_EXCEEDED": errors.LimitExceeded,
    "REQUEST_ID_REUSED": errors.InvalidRequest,
    "JOB_NOT_FOUND": errors.JobNotFound,
    "QUEUE_NOT_FOUND": errors.QueueNotFound,
    "INVALID_STATE": errors.InvalidState,
    "LEASE_LOST": errors.LeaseLost,
    "UNIQUE_CONFLICT": errors.UniqueConflict,
    "QUEUE_FULL": errors.QueueFull,
    "STORAGE_FULL": errors.StorageFull,
    "OVERLOADED": errors.Overloaded,
    "CURSOR_EXPIRED": errors.CursorExpired,
    "SHUTTING_DOWN": errors.Unavailable,
    "STORAGE_FAILED": errors.Unavailable,
    "INTERNAL": errors.ServerError,
    "PROTOCOL_VIOLATION": errors.ServerError,
    "SESSION_TAKEN": errors.ServerError,
    "SLOW_READER": errors.Unavailable,
    "SCHEDULE_NOT_FOUND": errors.ScheduleNotFound,
    "FLOW_NOT_FOUND": errors.FlowNotFound,
    "FLOW_CYCLE": errors.FlowCycle,
    "WEBHOOK_NOT_FOUND": errors.WebhookNotFound,
    "WEBHOOK_DELIVERY_NOT_FOUND": errors.WebhookDeliveryNotFound,
    "BACKUP_EXISTS": errors.BackupExists,
    "BACKUPS_OFF": errors.BackupsOff,
}

# A reason that this version does not know is treated by its code, as the contract asks.
_BY_CODE: Mapping[grpc.StatusCode, type[errors.RockQueueError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequest,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: errors.InvalidState,
    grpc.StatusCode.ALREADY_EXISTS: errors.UniqueConflict,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.ResourceExhausted,
    grpc.StatusCode.OUT_OF_RANGE: errors.CursorExpired,
    grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
}

_CODES: Mapping[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def make_error(
    code: grpc.StatusCode,
    reason: str,
    message: str,
    metadata: Mapping[str, str] | None = None,
    *,
    from_server: bool,
    retry_after: float | None = None,
    violations: tuple[tuple[str, str], ...] = (),
) -> errors.RockQueueError:
    """The error for a code and a reason."""
    kind = _BY_REASON.get(reason) or _BY_CODE.get(code) or errors.ServerError
    return kind(
        message or f"{code.name} without a message",
        code=code,
        reason=reason,
        metadata=metadata,
        from_server=from_server,
        retry_after=retry_after,
        violations=violations,
    )


def from_rpc_error(error: grpc.aio.AioRpcError) -> errors.RockQueueError:
    """The error for a failed call, with reason, metadata and RetryInfo from its status details, if it has any."""
    details = _status_details(error)
    reason, metadata, retry_after = "", {}, None
    violations: tuple[tuple[str, str], ...] = ()
    for detail in details.details if details is not None else ():
        info, retry, bad = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info) and info.domain == DOMAIN:
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(retry):
            retry_after = from_duration(retry.retry_delay)
        elif detail.Unpack(bad):
            violations = tuple((one.field, one.description) for one in bad.field_violations)
    return make_error(
        error.code(),
        reason,
        error.details() or "",
        metadata,
        from_server=bool(reason),
        retry_after=retry_after,
        violations=violations,
    )


def from_entry_status(status: job_service_pb2.EntryStatus) -> errors.RockQueueError:
    """The error for one entry of a batch that was not carried out."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return make_error(
        code,
        status.reason,
        status.message,
        dict(status.metadata),
        from_server=bool(status.reason),
        retry_after=from_duration(status.retry_delay) if status.HasField("retry_delay") else None,
        violations=tuple((one.field, one.description) for one in status.violations),
    )


def _status_details(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    for key, value in error.trailing_metadata():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                log.warning("the server sent status details that cannot be read")
                return None
    return None
