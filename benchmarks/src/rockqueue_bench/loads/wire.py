"""Messages made by joining bytes: a raw client that built them field by field would measure itself."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from rockqueue.v1 import job_pb2, job_service_pb2

STREAM_PUSHES = "/rockqueue.v1.JobService/StreamPushes"
WORK = "/rockqueue.v1.WorkService/Work"
MESSAGE_BYTES = 5 << 20
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.use_local_subchannel_pool", 1),
)
QUEUE = "bench"
WARM_QUEUE = "warm"
"""Nobody works on it: a producer warms up here without giving a worker something to count."""
NAME = "noop"

# Field numbers and wire types of rockqueue.v1, as protobuf puts them in front of each field.
_REQUEST_ID = b"\x0a"
_SEQUENCE, _SETTLEMENT, _CREDITS = b"\x08", b"\x12", b"\x18"
_LEASE_TOKEN, _EMPTY_COMPLETE = b"\x0a", b"\x12\x00"
_BATCH = b"\x12"
_SETTLEMENTS_MESSAGE = b"\x1a"
_CONTINUED = 0x80


def varint(number: int) -> bytes:
    """A number of 0 or more as protobuf writes it."""
    parts = bytearray()
    while number >= _CONTINUED:
        parts.append(number % _CONTINUED | _CONTINUED)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def payload_of(size_bytes: int) -> bytes:
    """A JSON object of exactly this many bytes, at least 13: `{"filler":"xxx"}`."""
    return b'{"filler":"' + b"x" * (size_bytes - 13) + b'"}'


def spec_of(payload_bytes: int, queue: str = QUEUE) -> job_pb2.JobSpec:
    """The job that every load pushes."""
    return job_pb2.JobSpec(queue=queue, name=NAME, payload=payload_of(payload_bytes), content_type="application/json")


def request_id() -> bytes:
    """The field of a push request that holds a fresh id."""
    return _REQUEST_ID + b"\x20" + uuid.uuid4().hex.encode()


class PushRequests:
    """Push requests of so many times the same job, that differ in their request id only."""

    def __init__(
        self, batch: int, spec: job_pb2.JobSpec, durability: job_pb2.Durability = job_pb2.DURABILITY_FSYNC
    ) -> None:
        self.batch = batch
        self.durability = durability
        message = job_service_pb2.PushJobsRequest(jobs=[spec] * batch, durability=durability)
        self._jobs = message.SerializeToString()

    def new(self) -> bytes:
        """A request with a fresh id."""
        return request_id() + self._jobs


def on_stream(sequence: int, request: bytes) -> bytes:
    """A StreamPushesRequest."""
    return _SEQUENCE + varint(sequence) + _BATCH + varint(len(request)) + request


def completions(sequence: int, tokens: Sequence[bytes], credits_: int) -> bytes:
    """A WorkRequest that completes deliveries, and grants credits."""
    parts = [_SEQUENCE, varint(sequence)]
    for token in tokens:
        # Shorter than 128 bytes, as a token has 64 at most: one byte of length each.
        entry = _LEASE_TOKEN + bytes((len(token),)) + token + _EMPTY_COMPLETE
        parts += (_SETTLEMENT, bytes((len(entry),)), entry)
    if credits_:
        parts += (_CREDITS, varint(credits_))
    body = b"".join(parts)
    return _SETTLEMENTS_MESSAGE + varint(len(body)) + body
