"""RockQueue itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from rockqueue_bench.server import ServerProcess


@asynccontextmanager
async def rockqueue_server(home: Path) -> AsyncGenerator[str]:
    """Durability is asked for by each call, so the server has no setting for it."""
    server = ServerProcess(home)
    try:
        await server.start()
        yield server.address
    finally:
        await server.kill()
