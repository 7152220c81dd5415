"""What the SDK was seen to do on the wire: calls and stream messages, in the order in which they passed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from rockqueue_conformance.wire.convert import to_data

Data = dict[str, Any]


@dataclass(slots=True)
class CallRecord:
    """One attempt of a unary call, or the opening of a stream."""

    method: str
    request: Message | None
    deadline_s: float | None
    metadata: dict[str, str]
    at: float
    request_bytes: int = 0
    open: int = 1
    """How many calls of the method were under way when it came, itself included."""
    on_stream: bool = False
    """A batch on a `StreamPushes` stream: it has no deadline on the wire."""
    code: str = ""
    ended: float | None = None
    _request_data: Data | None = None

    def to_data(self) -> Data:
        if self._request_data is None:
            self._request_data = to_data(self.request) if self.request is not None else {}
        data: Data = {
            "method": self.method,
            "request": self._request_data,
            "metadata": self.metadata,
            "at": self.at,
            "request_bytes": self.request_bytes,
            "open": self.open,
            "code": self.code,
        }
        if self.deadline_s is not None:
            data["deadline"] = self.deadline_s
        if self.ended is not None:
            data["took"] = self.ended - self.at
        return data


@dataclass(slots=True)
class FrameRecord:
    """One message on a `Work` stream. Streams are numbered from 1."""

    stream: int
    worker: str
    sender: str
    message: Message
    at: float
    _message_data: Data | None = None

    def to_data(self) -> Data:
        if self._message_data is None:
            self._message_data = to_data(self.message)
        return {
            "stream": self.stream,
            "worker": self.worker,
            "from": self.sender,
            "kind": self.message.WhichOneof("message") or "",
            "message": self._message_data,
            "at": self.at,
        }


@dataclass(slots=True)
class EndRecord:
    """The end of a `Work` stream."""

    stream: int
    worker: str
    by: str
    code: str
    at: float

    def to_data(self) -> Data:
        return {
            "stream": self.stream,
            "worker": self.worker,
            "from": self.by,
            "kind": "end",
            "code": self.code,
            "at": self.at,
        }


@dataclass(slots=True)
class Records:
    """Everything since the case began."""

    calls: list[CallRecord] = field(default_factory=list[CallRecord])
    frames: list[FrameRecord | EndRecord] = field(default_factory=list["FrameRecord | EndRecord"])
    began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Seconds since the case began."""
        return time.monotonic() - self.began

    def of(self, method: str) -> list[Data]:
        """The calls of a method; for `Work` the messages on its streams."""
        if method == "Work":
            return _with_gaps([frame.to_data() for frame in self.frames], "kind")
        return _with_gaps([call.to_data() for call in self.calls if method in ("*", call.method)], "method")

    def open_calls(self, method: str) -> int:
        """How many calls of the method are under way."""
        return sum(call.method == method and call.ended is None for call in self.calls)


def _with_gaps(records: list[Data], kind: str) -> list[Data]:
    """Adds to each the seconds since the one of the same kind before it."""
    before: dict[str, float] = {}
    for one in records:
        if one[kind] in before:
            one["gap"] = one["at"] - before[one[kind]]
        before[one[kind]] = one["at"]
    return records
