"""Payloads by msgspec: structs, dataclasses, dates, and whatever else msgspec can write and check."""

from __future__ import annotations

from typing import Any

import msgspec

from rockqueue._errors import PayloadError
from rockqueue._payloads import BYTES_TYPE, JSON_TYPE, Decoder, JsonCodec, is_json


class MsgspecCodec(JsonCodec):
    """JSON written and checked by msgspec.

    What arrives is checked against the handler's annotations, by the rules of msgspec for JSON: a payload that does not
    fit makes its job DEAD with the error PAYLOAD_ERROR, which names the field. `bytes` pass as they are.
    """

    def encode(self, value: object, /) -> tuple[bytes, str]:
        """Raises PayloadError for values that msgspec cannot write as JSON."""
        if isinstance(value, bytes):
            return value, BYTES_TYPE
        try:
            data = msgspec.json.encode(value)
            if b"null" in data:
                # Perhaps a NaN, which msgspec writes as null without a word: a second look, which refuses it.
                self._encode(msgspec.to_builtins(value, str_keys=True))
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as cause:
            raise PayloadError(f"this payload cannot be written as JSON: {cause}") from cause
        return data, JSON_TYPE

    def decoder(self, annotation: Any, /) -> Decoder:
        """Raises TypeError for a type that msgspec cannot check."""
        decoder = msgspec.json.Decoder(annotation)

        def decode(data: bytes, content_type: str) -> Any:
            try:
                if is_json(content_type):
                    return decoder.decode(data or b"null")
                return msgspec.convert(self.decode(data, content_type), annotation)
            except msgspec.MsgspecError as cause:
                raise PayloadError(f"the payload does not fit its type: {cause}") from cause

        return decode
