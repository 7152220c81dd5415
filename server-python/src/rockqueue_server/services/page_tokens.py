"""Page tokens: where a listing goes on, bound to what was asked for.

A token is a stamp of the question, then the position. So a token that is used with another filter or order is refused,
and does not give a page of something else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from rockqueue_server.contract.problems import Problems

_STAMP_BYTES = 6


def stamp_of(*question: bytes) -> bytes:
    """The stamp of a question, given in parts."""
    digest = hashlib.blake2b(digest_size=_STAMP_BYTES, person=b"page")
    for part in question:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def write_token(stamp: bytes, position: bytes) -> str:
    """The token that goes on behind `position`, which is not empty."""
    return base64.urlsafe_b64encode(stamp + position).decode()


def read_token(token: str, stamp: bytes, problems: Problems) -> bytes:
    """The position in a token; empty for no token, and for one that is refused, which is noted."""
    if not token:
        return b""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) <= len(stamp) or raw[: len(stamp)] != stamp:
        problems.add("page_token", "must be the next_page_token of a call that asked for the same")
        return b""
    return raw[len(stamp) :]
