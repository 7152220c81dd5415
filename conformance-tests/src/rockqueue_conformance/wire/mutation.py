"""Fields of messages on their way: which were set, and what if one never were.

Taking a field out of every request is, to the cases, a server that ignores it; out of every response, one that never
sets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from google.protobuf.message import Message

from rockqueue_conformance.wire.methods import METHODS

PACKAGE = "rockqueue.v1."


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A field of a message, on its way out (`request`) or in (`response`)."""

    direction: str
    message: str
    field: str

    def __str__(self) -> str:
        return f"{self.direction} {self.message.removeprefix(PACKAGE)}.{self.field}"


@dataclass(slots=True)
class Mutation:
    """Clears a field wherever it stands."""

    use: FieldUse

    def apply(self, direction: str, message: Message) -> None:
        if direction != self.use.direction:
            return
        for part in _parts(message):
            if _name(part) == self.use.message:
                part.ClearField(self.use.field)


@dataclass(slots=True)
class Recorder:
    """Notes every field that is set, and changes nothing."""

    seen: set[FieldUse] = field(default_factory=set[FieldUse])

    def apply(self, direction: str, message: Message) -> None:
        for part in _parts(message):
            name = _name(part)
            self.seen.update(FieldUse(direction, name, one.name) for one, _ in part.ListFields())


def all_fields() -> list[FieldUse]:
    """Every field of every message of the contract, in each direction in which it travels."""
    found: dict[FieldUse, None] = {}
    for direction in ("request", "response"):
        seen: set[str] = set()
        for method in METHODS.values():
            top = method.request_descriptor if direction == "request" else method.response_descriptor
            for message in _reachable(top, seen):
                found.update((FieldUse(direction, message.full_name, one.name), None) for one in message.fields)
    return list(found)


def _reachable(message: Any, seen: set[str]) -> Iterator[Any]:
    if message.full_name in seen or not _ours(message):
        return
    seen.add(message.full_name)
    yield message
    for one in message.fields:
        if one.message_type is not None:
            yield from _reachable(one.message_type, seen)


def _ours(descriptor: Any) -> bool:
    """A message of the contract, and no entry of a map."""
    return descriptor.full_name.startswith(PACKAGE) and not descriptor.GetOptions().map_entry


def _name(message: Message) -> str:
    return cast(Any, message.DESCRIPTOR).full_name


def _parts(message: Message) -> Iterator[Message]:
    """The message and all messages of the contract inside it."""
    yield message
    for one, value in message.ListFields():
        if one.message_type is not None and _ours(one.message_type):
            for inner in cast(Any, [value] if isinstance(value, Message) else value):
                yield from _parts(inner)
