"""Messages as plain data: proto3 JSON with the field names of the contract."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message


class BadMessage(Exception):
    """A case holds data that is not proto3 JSON of the message it is meant for."""


def to_data(message: Message) -> dict[str, Any]:
    """The message with all fields that have no presence, zero values included; 64-bit integers are strings."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def from_data(kind: type[Message], data: dict[str, Any]) -> Message:
    """The message that proto3 JSON describes; BadMessage when it does not describe one."""
    message = kind()
    try:
        ParseDict(data, message)
    except (ParseError, TypeError, ValueError) as error:
        raise BadMessage(f"not a {kind.DESCRIPTOR.full_name}: {error}") from error
    return message
