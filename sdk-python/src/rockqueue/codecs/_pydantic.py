"""Payloads by pydantic: models, dataclasses, dates, and whatever else pydantic can write and check."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import to_json

from rockqueue._errors import PayloadError
from rockqueue._payloads import BYTES_TYPE, JSON_TYPE, Decoder, JsonCodec, is_json


class PydanticCodec(JsonCodec):
    """JSON written and checked by pydantic.

    Models are written by alias and without computed fields, so that they come back as they were. What arrives is
    checked against the handler's annotations, by the rules of pydantic for JSON: a payload that does not fit makes its
    job DEAD with the error PAYLOAD_ERROR, which names the fields. `bytes` pass as they are.
    """

    def encode(self, value: object, /) -> tuple[bytes, str]:
        """Raises PayloadError for values that pydantic cannot write as JSON."""
        if isinstance(value, bytes):
            return value, BYTES_TYPE
        try:
            data = to_json(value, round_trip=True)
        except (TypeError, ValueError, RecursionError) as cause:
            raise PayloadError(f"this payload cannot be written as JSON: {cause}") from cause
        if b"NaN" in data or b"Infinity" in data:
            # Perhaps only a text that says so. Otherwise not JSON: other languages could not read it.
            json.loads(data, parse_constant=_refuse)
        return data, JSON_TYPE

    def decoder(self, annotation: Any, /) -> Decoder:
        """Raises TypeError for a type that pydantic cannot check."""
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        except PydanticUserError as cause:
            raise TypeError(f"pydantic cannot check {annotation!r}: {cause}") from cause

        def decode(data: bytes, content_type: str) -> Any:
            try:
                if is_json(content_type):
                    return adapter.validate_json(data or b"null")
                return adapter.validate_python(self.decode(data, content_type))
            except ValidationError as cause:
                raise _misfit(cause) from cause

        return decode


def _misfit(error: ValidationError) -> PayloadError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    violations = tuple((".".join(str(step) for step in one["loc"]), one["msg"]) for one in found)
    text = "; ".join(f"{path}: {why}" if path else why for path, why in violations)
    return PayloadError(f"the payload does not fit its type: {text}", violations=violations)


def _refuse(constant: str) -> NoReturn:
    raise PayloadError(f"this payload cannot be written as JSON: it has a {constant}")
