"""What a BLOCKED job waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine


def unfinished_parents(engine: Engine, job_id: bytes, limit: int) -> list[bytes]:
    """The first `limit` parents that a job still waits for. Jobs have no parents before there are flows."""
    del engine, job_id, limit
    return []
