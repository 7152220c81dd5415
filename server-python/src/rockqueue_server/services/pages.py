"""Page tokens: where a listing goes on, stamped with what was asked, so that no other listing takes it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from rockqueue_server.contract import limits

if TYPE_CHECKING:
    from rockqueue_server.contract.problems import Problems

_STAMP_BYTES = 6


class Page:
    """The page that a request asks for. `asked` is all of the request that must be the same for its tokens."""

    def __init__(self, asked: bytes, page_size: int, page_token: str, problems: Problems) -> None:
        self._stamp = hashlib.blake2b(asked, digest_size=_STAMP_BYTES, person=b"page").digest()
        if page_size < 0:
            problems.add("page_size", "must be 0 or more")
        self.size = min(page_size or limits.DEFAULT_PAGE_SIZE, limits.PAGE_SIZE)
        self.position = self._position(page_token, problems) if page_token else b""

    def _position(self, token: str, problems: Problems) -> bytes:
        try:
            raw = base64.b64decode(token, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) <= _STAMP_BYTES or raw[:_STAMP_BYTES] != self._stamp:
            problems.add("page_token", "must be the next_page_token of a page of the same listing")
            return b""
        return raw[_STAMP_BYTES:]

    def token(self, position: bytes) -> str:
        """What to ask for the page behind `position` with."""
        return base64.urlsafe_b64encode(self._stamp + position).decode()
