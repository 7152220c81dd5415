"""The page of a listing that a request asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue_server.contract import limits
from rockqueue_server.services.page_tokens import read_token, stamp_of, write_token

if TYPE_CHECKING:
    from rockqueue_server.contract.problems import Problems


class Page:
    """Where a page begins, and how long it may be. `asked` is all that must be the same for tokens to be taken."""

    def __init__(self, asked: tuple[bytes, ...], page_size: int, page_token: str, problems: Problems) -> None:
        self._stamp = stamp_of(*asked)
        if page_size < 0:
            problems.add("page_size", "must be 0 or more")
        self.size = min(page_size or limits.DEFAULT_PAGE_SIZE, limits.PAGE_SIZE)
        self.position = read_token(page_token, self._stamp, problems)

    @property
    def name(self) -> str:
        """The position in a listing by name."""
        return self.position.decode(errors="replace")

    def token(self, position: bytes) -> str:
        """What to ask for the page behind `position` with."""
        return write_token(self._stamp, position)
