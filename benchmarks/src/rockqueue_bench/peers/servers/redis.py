"""Redis with an append-only file."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from rockqueue_bench.peers.child import free_port, running, says
from rockqueue_bench.peers.places import installed

_READY_WITHIN_S = 20.0


@asynccontextmanager
async def redis_server(home: Path, *, fsync: str) -> AsyncGenerator[str]:
    """`fsync` is "always" or "everysec". Snapshots are off, the log is not rewritten meanwhile."""
    port = free_port()
    command = (
        *(installed("redis-server", "redis-server"), "--port", str(port), "--bind", "127.0.0.1"),
        *("--dir", home, "--appendonly", "yes", "--appendfsync", fsync, "--save", ""),
        *("--auto-aof-rewrite-percentage", "0", "--daemonize", "no", "--maxmemory-policy", "noeviction"),
    )
    async with running(command, home / "redis-server.log") as server:
        await server.until(partial(says, port, b"PING\r\n", b"+PONG"), _READY_WITHIN_S)
        yield f"127.0.0.1:{port}"
