"""What a worker says, as the server reads it: completions, which are nearly all of it, without a message for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rockqueue.v1 import work_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.opaque import opaque
from rockqueue_server.contract.problems import valid_media_type

Settlement = work_service_pb2.Settlement

_TOKEN = b"\x0a\x18"
"""Field 1 of Settlement, with 24 bytes."""
_COMPLETE = 0x12
"""Field 2 of Settlement."""
_TOKEN_END = 26
_RESULT, _CONTENT_TYPE = 0x0A, 0x12
_ONE_BYTE = 1 << 7
_LONGEST_READ = 1 << 14
"""Results whose lengths take more than two bytes are left to the message."""

_OpaqueRequest = opaque(work_service_pb2.WorkRequest)
_OpaqueSettlements = opaque(work_service_pb2.Settlements)
_MEMBERS: dict[str, Any] = {
    field.name: GetMessageClass(field.message_type)  # type: ignore[arg-type]
    for field in work_service_pb2.WorkRequest.DESCRIPTOR.oneofs_by_name["message"].fields
}


class Completion(NamedTuple):
    """A settlement that completes its job, and pushes none."""

    token: bytes
    result: bytes
    content_type: str

    @property
    def message(self) -> Settlement:
        """The settlement."""
        complete = work_service_pb2.Complete(result=self.result, result_content_type=self.content_type)
        return Settlement(lease_token=self.token, complete=complete)


Entry = Completion | Settlement


class Settlements(NamedTuple):
    """A batch of settlements."""

    sequence: int
    entries: list[Entry]
    credits: int


@dataclass(frozen=True, slots=True)
class WorkMessage:
    """A message of a worker: the member of the oneof that is set (None: none), and what it holds."""

    kind: str | None
    body: Any

    @classmethod
    def parse(cls, raw: bytes) -> WorkMessage:
        """Reads a serialised WorkRequest. Raises DecodeError."""
        request = _OpaqueRequest.FromString(raw)
        kind: str | None = request.WhichOneof("message")
        if kind is None:
            return cls(None, None)
        data: bytes = getattr(request, kind)
        if kind != "settlements":
            return cls(kind, _MEMBERS[kind].FromString(data))
        batch = _OpaqueSettlements.FromString(data)
        count = len(batch.settlements)
        # A batch over the limit is refused: it only has to be counted.
        read = read_entry if count <= limits.BATCH_ENTRIES else Settlement.FromString
        return cls(kind, Settlements(batch.sequence, [read(one) for one in batch.settlements], batch.credits))

    @classmethod
    def of(cls, request: Message) -> WorkMessage:
        """The same from a WorkRequest."""
        return cls.parse(request.SerializeToString())


def read_entry(raw: bytes) -> Entry:
    """A serialised Settlement. Raises DecodeError."""
    if len(raw) == _TOKEN_END + 2 and raw.startswith(_TOKEN) and raw.endswith(b"\x12\x00"):
        return Completion(raw[2:_TOKEN_END], b"", "")
    return _read_completion(raw) or Settlement.FromString(raw)


def _read_completion(raw: bytes) -> Completion | None:
    """A completion with a result, fields in their order; None for everything else. Lengths may lie."""
    size = len(raw)
    if not raw.startswith(_TOKEN) or not _TOKEN_END + 2 < size < _LONGEST_READ or raw[_TOKEN_END] != _COMPLETE:
        return None
    at = _TOKEN_END + 2 if raw[_TOKEN_END + 1] < _ONE_BYTE else _TOKEN_END + 3
    if at + _length(raw, _TOKEN_END + 1) != size:
        return None
    result, content_type = b"", ""
    if at + 1 < size and raw[at] == _RESULT:
        start = at + 2 if raw[at + 1] < _ONE_BYTE else at + 3
        end = start + _length(raw, at + 1)
        result, at = raw[start:end], end
    if at + 1 < size and raw[at] == _CONTENT_TYPE and raw[at + 1] < _ONE_BYTE and at + 2 + raw[at + 1] == size:
        try:
            content_type = raw[at + 2 :].decode("ascii")
        except UnicodeDecodeError:
            return None
        at = size
    if at != size or not valid_media_type(content_type):
        return None
    return Completion(raw[2:_TOKEN_END], result, content_type)


def _length(raw: bytes, at: int) -> int:
    """A length of at most two bytes; more than everything for a longer one, or one that is cut off."""
    if raw[at] < _ONE_BYTE:
        return raw[at]
    if at + 1 < len(raw) and raw[at + 1] < _ONE_BYTE:
        return raw[at] + ((raw[at + 1] - 1) << 7)
    return _LONGEST_READ
