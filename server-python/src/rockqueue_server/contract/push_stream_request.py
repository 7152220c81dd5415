"""A StreamPushesRequest as the server reads it, and the response as it writes it: batches and answers stay bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rockqueue.v1 import job_service_pb2
from rockqueue_server.contract.opaque import opaque
from rockqueue_server.contract.push_request import PushRequest

_OpaqueRequest = opaque(job_service_pb2.StreamPushesRequest)
_OpaqueResponse = opaque(job_service_pb2.StreamPushesResponse)
_OpaqueOutcome = opaque(job_service_pb2.PushOutcome)


class PushMessage(NamedTuple):
    """A batch, and the number that its answer has to carry."""

    sequence: int
    batch: PushRequest

    @classmethod
    def parse(cls, raw: bytes) -> PushMessage:
        """Reads a serialised StreamPushesRequest. Raises DecodeError."""
        request = _OpaqueRequest.FromString(raw)
        return cls(request.sequence, PushRequest.parse(request.batch))

    @classmethod
    def of(cls, request: job_service_pb2.StreamPushesRequest) -> PushMessage:
        """The same from a StreamPushesRequest."""
        return cls.parse(request.SerializeToString())


def stored(sequence: int, answer: bytes) -> bytes:
    """The serialised outcome of a batch that was stored; `answer` is a serialised PushJobsResponse."""
    data: bytes = _OpaqueOutcome(sequence=sequence, answer=answer).SerializeToString()
    return data


def refused(sequence: int, failure: job_service_pb2.EntryStatus) -> bytes:
    """The serialised outcome of a batch that was not."""
    return job_service_pb2.PushOutcome(sequence=sequence, failure=failure).SerializeToString()


def response_of(outcomes: Iterable[bytes]) -> bytes:
    """A serialised StreamPushesResponse of serialised outcomes."""
    data: bytes = _OpaqueResponse(outcomes=outcomes).SerializeToString()
    return data
