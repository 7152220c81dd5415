"""Turns leases into the contract's deliveries, straight into bytes: the spec on disk is the spec on the wire.

Building the message through protobuf's Python classes would parse and serialise every spec once more. A test
compares this with them, field by field.
"""

from __future__ import annotations

from functools import lru_cache

from rockqueue.v1 import work_service_pb2
from rockqueue_server.contract.times import duration, timestamp
from rockqueue_server.engine.takers import Granted
from rockqueue_server.rules.ids import id_text

# Tags: field number << 3 | wire type; 2 is length-delimited, 0 a varint.
_JOB_ID = b"\x0a\x24"  # field 1, 36 characters
_TOKEN = b"\x12\x18"  # field 2, 24 bytes
_LEASE = b"\x1a"
_ATTEMPT = b"\x20"
_SPEC = b"\x2a"
_CREATE_TIME = b"\x32"
_FAILURES = b"\x38"
_CRASHES = b"\x40"
_DELIVERY = b"\x0a"  # field 1 of Deliveries and of PullJobsResponse
_DELIVERIES = b"\x12"  # field 2 of WorkResponse


_MORE = 0x80
"""Set in each byte of a varint but the last."""


_SHORT = 1024


def varint(value: int) -> bytes:
    """A base-128 varint of a number that is 0 or more."""
    if value < _SHORT:
        return _SHORT_VARINTS[value]
    return _long_varint(value)


def _long_varint(value: int) -> bytes:
    out = bytearray()
    while value >= _MORE:
        out.append(value & 0x7F | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


@lru_cache(maxsize=256)
def _lease_field(lease_us: int) -> bytes:
    value = duration(lease_us).SerializeToString()
    return _LEASE + varint(len(value)) + value


@lru_cache(maxsize=4096)
def _create_time_field(create_us: int) -> bytes:
    """Jobs of one push were created in one moment, and mostly travel together."""
    value = timestamp(create_us).SerializeToString()
    return _CREATE_TIME + varint(len(value)) + value


_SHORT_VARINTS = [_long_varint(value) for value in range(_SHORT)]


def delivery(granted: Granted) -> bytes:
    """A serialised `Delivery`."""
    lease, spec = granted
    parts = [
        _JOB_ID, id_text(lease.job_id).encode(), _TOKEN, lease.token, _lease_field(lease.lease_us),
        _ATTEMPT, varint(lease.attempt), _SPEC, varint(len(spec)), spec, _create_time_field(lease.head.create_us),
    ]  # fmt: skip
    if lease.failures:
        parts += (_FAILURES, varint(lease.failures))
    if lease.crashes:
        parts += (_CRASHES, varint(lease.crashes))
    return b"".join(parts)


def deliveries(granted: list[Granted]) -> bytes:
    """A serialised `Deliveries`, which is a serialised `PullJobsResponse` too."""
    parts: list[bytes] = []
    for one in granted:
        value = delivery(one)
        parts += (_DELIVERY, varint(len(value)), value)
    return b"".join(parts)


def work_response(granted: list[Granted]) -> bytes:
    """A serialised `WorkResponse` with deliveries."""
    body = deliveries(granted)
    return b"".join((_DELIVERIES, varint(len(body)), body))


def pull_response(granted: list[Granted]) -> work_service_pb2.PullJobsResponse:
    """A `PullJobsResponse`."""
    return work_service_pb2.PullJobsResponse.FromString(deliveries(granted))
