"""Turns leases into the contract's deliveries, straight into bytes: the spec on disk is the spec on the wire.

Building the message through protobuf's Python classes would parse and serialise every spec once more. A test
compares this with them, field by field.
"""

from __future__ import annotations

from functools import lru_cache

from rockqueue.v1 import work_service_pb2
from rockqueue_server.contract.times import duration, timestamp
from rockqueue_server.engine.records import TOKEN_BYTES
from rockqueue_server.engine.takers import Batch, Granted, Lease
from rockqueue_server.rules.ids import id_text

# Tags: field number << 3 | wire type; 2 is length-delimited, 0 a varint.
_ID_CHARS = 36
_JOB_ID = b"\x0a\x24"  # field 1, _ID_CHARS
_TOKEN = b"\x12\x18"  # field 2, TOKEN_BYTES
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


def deliveries(granted: list[Granted]) -> bytes:
    """A serialised `Deliveries`, which is a serialised `PullJobsResponse` too.

    Each delivery is its id and token, fields that are equal for all jobs of a batch, its spec, and more such fields.
    """
    parts: list[bytes] = []
    batch: Batch | None = None
    create_us = 0
    before = after = b""
    before_bytes = 0
    for lease, spec in granted:
        if lease.batch is None or lease.batch is not batch or lease.head.create_us != create_us:
            batch, create_us = lease.batch, lease.head.create_us
            before = _lease_field(lease.lease_us) + _ATTEMPT + varint(lease.attempt) + _SPEC
            after = _after_spec(lease)
            before_bytes = len(_JOB_ID) + _ID_CHARS + len(_TOKEN) + TOKEN_BYTES + len(before) + len(after)
        spec_bytes = varint(len(spec))
        size = before_bytes + len(spec_bytes) + len(spec)
        id_ = id_text(lease.job_id).encode()
        parts += (_DELIVERY, varint(size), _JOB_ID, id_, _TOKEN, lease.token, before, spec_bytes, spec, after)
    return b"".join(parts)


def _after_spec(lease: Lease) -> bytes:
    fields = _create_time_field(lease.head.create_us)
    if lease.failures:
        fields += _FAILURES + varint(lease.failures)
    if lease.crashes:
        fields += _CRASHES + varint(lease.crashes)
    return fields


def work_response(granted: list[Granted]) -> bytes:
    """A serialised `WorkResponse` with deliveries."""
    body = deliveries(granted)
    return b"".join((_DELIVERIES, varint(len(body)), body))


def pull_response(granted: list[Granted]) -> work_service_pb2.PullJobsResponse:
    """A `PullJobsResponse`."""
    return work_service_pb2.PullJobsResponse.FromString(deliveries(granted))
