"""How payloads and results become bytes: the codec protocol, and JSON, its default."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from rockqueue._errors import PayloadError

JSON_TYPE = "application/json"
BYTES_TYPE = "application/octet-stream"

Decoder = Callable[[bytes, str], Any]
"""Makes a value of bytes and their media type. Raises PayloadError."""


class PayloadCodec(Protocol):
    """Turns values into bytes with a media type, and back.

    A codec is called from several threads at once. It raises `PayloadError` for what it cannot do; an exception of
    another kind is taken as one.
    """

    def encode(self, value: object, /) -> tuple[bytes, str]:
        """The value as bytes, and their media type."""
        ...

    def decode(self, data: bytes, content_type: str, /) -> Any:
        """The value that the bytes of this media type stand for; an empty media type means unstated."""
        ...


@runtime_checkable
class TypedCodec(PayloadCodec, Protocol):
    """A codec that also understands types: handlers get their arguments as they are annotated."""

    def decoder(self, annotation: Any, /) -> Decoder:
        """What decodes bytes into values of this type. Asked for once; raises TypeError for a type it cannot make."""
        ...


def encoded(codec: PayloadCodec, value: object) -> tuple[bytes, str]:
    """The value as bytes. Raises PayloadError, whatever the codec raised."""
    try:
        return codec.encode(value)
    except PayloadError:
        raise
    except Exception as cause:
        raise PayloadError(f"the payload cannot be encoded: {cause}") from cause


def decoded(codec: PayloadCodec, data: bytes, content_type: str) -> Any:
    """The value of some bytes. Raises PayloadError, whatever the codec raised."""
    try:
        return codec.decode(data, content_type)
    except PayloadError:
        raise
    except Exception as cause:
        raise PayloadError(f"the payload cannot be decoded: {cause}") from cause


def is_json(content_type: str) -> bool:
    """True for the media types of JSON, and for none stated."""
    essence = content_type if content_type == JSON_TYPE else content_type.partition(";")[0].strip().lower()
    return essence in (JSON_TYPE, "") or essence.endswith("+json")


class JsonCodec:
    """JSON without spaces, in UTF-8; `bytes` values pass as they are.

    What `json` cannot write (a datetime, a dataclass) is an error: say how it should look by passing a str or a dict.
    """

    _encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
    _decode = json.JSONDecoder().decode

    def encode(self, value: object, /) -> tuple[bytes, str]:
        """Raises PayloadError for values that JSON has no words for."""
        if isinstance(value, bytes):
            return value, BYTES_TYPE
        try:
            return self._encode(value).encode(), JSON_TYPE
        except (TypeError, ValueError, RecursionError) as cause:
            raise PayloadError(f"this payload cannot be written as JSON: {cause}") from cause

    def decode(self, data: bytes, content_type: str, /) -> Any:
        """JSON as its value, text as str, other media types as bytes; nothing as None. Raises PayloadError."""
        if is_json(content_type):
            if not data:
                return None
            try:
                return self._decode(data.decode())
            except (ValueError, RecursionError) as cause:
                raise PayloadError(f"this payload is not JSON: {cause}") from cause
        if content_type.partition(";")[0].strip().lower() == "text/plain":
            try:
                return data.decode()
            except UnicodeDecodeError as cause:
                raise PayloadError(f"this payload is not UTF-8: {cause}") from cause
        return data


JSON = JsonCodec()
