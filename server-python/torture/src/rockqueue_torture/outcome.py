"""What an error of a call proves: that nothing happened, or nothing at all."""

from __future__ import annotations

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2

from rockqueue_torture.history import Outcome

_DETAILS = "grpc-status-details-bin"
_UNKNOWN_REASONS = {"", "SHUTTING_DOWN", "STORAGE_FAILED", "INTERNAL"}
_UNKNOWN_CODES = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.ABORTED,
}


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The ErrorInfo reason that the server gave; empty where the error is not the server's."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS and isinstance(value, bytes):
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info) and info.domain == "rockqueue":
                    return info.reason
    return ""


def outcome_of(error: grpc.aio.AioRpcError) -> tuple[Outcome, str]:
    """`fail` only for a refusal that the server itself put into words; everything else is `unknown`."""
    reason = reason_of(error)
    if error.code() in _UNKNOWN_CODES or reason in _UNKNOWN_REASONS:
        return "unknown", reason or error.code().name
    return "fail", reason
