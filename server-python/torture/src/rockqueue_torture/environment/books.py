"""Whether the books of a store balance: what `rockqueue check` looks at, without a process of its own."""

from __future__ import annotations

import asyncio

from rockqueue_server.verify import verify_directory
from rockqueue_torture.server import Server


async def problems(server: Server) -> list[str]:
    """What does not agree in the store of a server that has ended."""
    assert not server.running, "the server still has its store"
    return (await asyncio.to_thread(verify_directory, server.store)).problems
