"""How a failure looks on the wire: a canonical status with google.rpc details that always fit into a trailer.

A peer may refuse trailers above 8 KiB, and then sees neither code nor reason. Names in a message come from the caller
and may be long, so everything is cut to a budget here, once, and the code that raises need not think of it.
"""

from __future__ import annotations

from typing import NamedTuple

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from rockqueue_server.errors import FieldViolation, ServiceError, incident

DOMAIN = "rockqueue"
DETAILS_KEY = "grpc-status-details-bin"

# Base64 makes 4 bytes of 3, and percent-encoding up to 3 of 1: 4/3 * 3,600 + 2,000 stays below 8 KiB, with room for the
# rest.
DETAILS_BUDGET_BYTES = 3_600
MESSAGE_BUDGET_BYTES = 2_000
VALUE_BUDGET_CHARS = 600
MAX_METADATA_ENTRIES = 16


class WireStatus(NamedTuple):
    """What a call ends with: arguments of `ServicerContext.abort`."""

    code: grpc.StatusCode
    message: str
    trailers: tuple[tuple[str, str | bytes], ...]


def wire_status(error: ServiceError) -> WireStatus:
    """The status of a refusal, with ErrorInfo, and with BadRequest and RetryInfo where the error has them."""
    message = _cut_message(error.message)
    number, _ = error.code.value
    status = Status(code=number, message=message)
    status.details.add().Pack(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=_cut_metadata(error.metadata)))
    if error.retry_after_s is not None:
        delay = Duration()
        delay.FromNanoseconds(round(error.retry_after_s * 1e9))
        status.details.add().Pack(RetryInfo(retry_delay=delay))
    if error.violations:
        _pack_violations(status, error.violations)
    if status.ByteSize() > DETAILS_BUDGET_BYTES:
        _shrink(status, error)
    return WireStatus(error.code, message, ((DETAILS_KEY, status.SerializeToString()),))


def unreadable(message_type: str) -> ServiceError:
    """INVALID_FIELD for bytes that are no message of the method's request type."""
    text = f"the request is not a well-formed {message_type}"
    return ServiceError(
        grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", text, {"field": ""}, (FieldViolation("", text),)
    )


def as_service_error(method: str, error: BaseException) -> ServiceError:
    """What the client is told about `error`: a refusal as it is, anything else as an incident."""
    return error if isinstance(error, ServiceError) else incident(method, error)


def _sendable(text: str) -> str:
    """Without lone surrogates, as a file name may have them: protobuf takes no such text."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _cut(text: str, limit: int) -> str:
    whole = _sendable(text)
    return whole if len(whole) <= limit else whole[: limit - 1] + "…"


def _cut_message(message: str) -> str:
    """Keeps the message below its budget in percent-encoded form, where a printable ASCII character is one byte."""
    message = _sendable(message)
    if len(message) * 12 <= MESSAGE_BUDGET_BYTES:
        return message
    size = 0
    for position, char in enumerate(message):
        size += 1 if " " <= char <= "~" and char != "%" else 3 * len(char.encode())
        if size > MESSAGE_BUDGET_BYTES - 9:
            return message[:position] + "…"
    return message


def _cut_metadata(metadata: dict[str, str]) -> dict[str, str]:
    return {key: _cut(value, VALUE_BUDGET_CHARS) for key, value in list(metadata.items())[:MAX_METADATA_ENTRIES]}


def _pack_violations(status: Status, violations: tuple[FieldViolation, ...]) -> None:
    """Adds as many violations as there is room for, the first ones first."""
    room = DETAILS_BUDGET_BYTES - status.ByteSize() - 64
    bad_request = BadRequest()
    for violation in violations:
        entry = bad_request.field_violations.add(
            field=_cut(violation.field, VALUE_BUDGET_CHARS), description=_cut(violation.description, VALUE_BUDGET_CHARS)
        )
        room -= entry.ByteSize() + 4
        if room < 0:
            del bad_request.field_violations[-1]
            break
    status.details.add().Pack(bad_request)


def _shrink(status: Status, error: ServiceError) -> None:
    """The last resort for metadata that is too long as a whole: reason and code must arrive, values may be lost."""
    short = {_cut(key, 40): _cut(value, 40) for key, value in list(error.metadata.items())[:8]}
    status.details[0].Pack(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=short))
    status.message = _cut(status.message, 200)
    if status.ByteSize() > DETAILS_BUDGET_BYTES:
        del status.details[1:]
