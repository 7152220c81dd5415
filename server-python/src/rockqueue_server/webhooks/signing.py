"""Signatures and secrets as Standard Webhooks has them (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX = "whsec_"
LEAST_BYTES = 24
MOST_BYTES = 64
_MADE_BYTES = 32


def new_secret() -> str:
    """A secret of 32 bytes of chance, as text."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_MADE_BYTES)).decode()


def secret_bytes(text: str) -> bytes | None:
    """The bytes that sign; None when the text is no secret."""
    if not text.startswith(PREFIX):
        return None
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if LEAST_BYTES <= len(key) <= MOST_BYTES else None


def signatures(keys: Iterable[bytes], message_id: str, time_s: int, body: bytes) -> str:
    """Value of the header `webhook-signature`: an entry for each key."""
    signed = f"{message_id}.{time_s}.".encode() + body
    entries = (base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys)
    return " ".join(f"v1,{entry}" for entry in entries)
