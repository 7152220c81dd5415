"""What a case tells the proxy to do with calls and messages: rules, tried in order, each for so many times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from rockqueue_conformance.language.match import fits
from rockqueue_conformance.language.paths import set_path
from rockqueue_conformance.language.times import need_duration_ns, need_seconds
from rockqueue_conformance.wire.convert import from_data, to_data
from rockqueue_conformance.wire.errors import CODE_OF_REASON, DOMAIN

Data = dict[str, Any]

FOR_EVER = 1 << 30


@dataclass(slots=True)
class Rule:
    """One rule of a `script` step.

    Attributes:
        call: The method.
        at: On `Work`: `client settlements`, `server heartbeat`, `server *`; empty for the opening of the stream.
        stream: On `Work`: only on the stream of this number.
        where: Only requests or messages that fit.
        skip, times: It holds after so many that fit, for so many.
        what: What to do, as the case has it.
    """

    call: str
    at: str = ""
    stream: int = 0
    where: Any = None
    skip: int = 0
    times: int = 1
    what: Data = field(default_factory=dict[str, Any])

    @classmethod
    def of(cls, data: Data) -> Rule:
        """The rule that a mapping describes."""
        rest = {
            key: value for key, value in data.items() if key not in ("call", "at", "stream", "where", "skip", "times")
        }
        times = data.get("times", 1)
        return cls(
            call=data["call"],
            at=data.get("at", ""),
            stream=int(data.get("stream", 0)),
            where=data.get("where"),
            skip=int(data.get("skip", 0)),
            times=FOR_EVER if times == "always" else int(times),
            what=rest,
        )

    def takes(self, call: str, message: Message | None, at: str = "", stream: int = 0) -> bool:
        """True when the rule holds here; counts."""
        if self.call != call or self.times <= 0 or not self._is_at(at) or (self.stream and self.stream != stream):
            return False
        if self.where is not None and (message is None or not fits(self.where, to_data(message))):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True

    def _is_at(self, at: str) -> bool:
        if self.at.endswith("*"):
            return at.startswith(self.at.removesuffix("*"))
        return self.at == at


class Rules:
    """The rules of a case; the first that holds decides."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def add(self, rules: list[Data]) -> None:
        """Adds rules behind those that are there."""
        self._rules += [Rule.of(rule) for rule in rules]

    def clear(self) -> None:
        """Forgets all rules."""
        self._rules.clear()

    def find(self, call: str, message: Message | None, at: str = "", stream: int = 0) -> Data:
        """What to do; empty for nothing special."""
        for rule in self._rules:
            if rule.takes(call, message, at, stream):
                return rule.what
        return {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status to end a call with."""

    code: grpc.StatusCode
    message: str
    details: bytes = b""

    @classmethod
    def with_details(cls, code: grpc.StatusCode, message: str, details: Sequence[Message]) -> Refusal:
        """The status as a server that keeps the contract says it."""
        status = status_pb2.Status(code=int(cast(Any, code.value)[0]), message=message)
        for detail in details:
            status.details.add().Pack(detail)
        return cls(code, message, status.SerializeToString())

    @property
    def metadata(self) -> tuple[tuple[str, bytes], ...]:
        """The trailing metadata."""
        return (("grpc-status-details-bin", self.details),) if self.details else ()


def refusal(wanted: Any) -> Refusal:
    """`UNAVAILABLE`, `LEASE_LOST`, or `{code, reason, metadata, retry_after, fields}`, as a status with its details.

    A bare code comes without details, as a network or a load balancer would say it.
    """
    data: Data = cast(Data, wanted) if isinstance(wanted, dict) else {}
    word = "" if data else str(cast(Any, wanted))
    reason = str(data.get("reason", word if word in CODE_OF_REASON else ""))
    code = str(data.get("code", CODE_OF_REASON.get(reason, word)))
    if not reason:
        return Refusal(grpc.StatusCode[code], "the way to the server is closed")
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=data.get("metadata", {}))
    details: list[Message] = [info]
    if "retry_after" in data:
        pause = Duration()
        pause.FromNanoseconds(need_duration_ns(data["retry_after"]))
        details.append(error_details_pb2.RetryInfo(retry_delay=pause))
    if "fields" in data:
        bad = error_details_pb2.BadRequest()
        for path in data["fields"]:
            bad.field_violations.add(field=path, description="is wrong")
        details.append(bad)
    return Refusal.with_details(grpc.StatusCode[code], f"as the case has it: {reason}", details)


async def wait_as_told(what: Data, key: str = "delay") -> None:
    """Holds a call or a message up, or for ever where it is to hang."""
    if key in what:
        await asyncio.sleep(need_seconds(what[key]))
    if "hang" in what:
        await asyncio.Event().wait()


def changed(message: Message, change: Data) -> Message:
    """The message with other values at some paths."""
    data = to_data(message)
    for path, value in change.items():
        set_path(data, path, value)
    return from_data(type(message), data)
