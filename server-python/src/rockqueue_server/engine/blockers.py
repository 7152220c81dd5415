"""What a BLOCKED job waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.lookup import Found


def unfinished_parents(engine: Engine, found: Found, most: int) -> list[bytes]:
    """Up to `most` ids of parents that are not finished. Jobs have no parents before there are flows."""
    del engine, found, most
    return []
