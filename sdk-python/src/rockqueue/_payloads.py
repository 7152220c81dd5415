"""How payloads and results become bytes: the codec protocol, and JSON, its default."""

from __future__ import annotations

import json
from typing import Any, Protocol

from rockqueue._errors import PayloadError

JSON_TYPE = "application/json"
BYTES_TYPE = "application/octet-stream"


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
        essence = content_type if content_type == JSON_TYPE else content_type.partition(";")[0].strip().lower()
        if essence in (JSON_TYPE, "") or essence.endswith("+json"):
            if not data:
                return None
            try:
                return self._decode(data.decode())
            except (ValueError, RecursionError) as cause:
                raise PayloadError(f"this payload is not JSON: {cause}") from cause
        if essence == "text/plain":
            try:
                return data.decode()
            except UnicodeDecodeError as cause:
                raise PayloadError(f"this payload is not UTF-8: {cause}") from cause
        return data


JSON = JsonCodec()
