"""NATS with JetStream in files."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from rockqueue_bench.peers.child import free_port, running, says
from rockqueue_bench.peers.places import NATS_SERVER, built

_READY_WITHIN_S = 20.0


@asynccontextmanager
async def nats_server(home: Path, *, sync: str) -> AsyncGenerator[str]:
    """`sync` is `sync_interval`: "always", or a duration such as "2m", the default."""
    port = free_port()
    settings = home / "nats.conf"
    settings.write_text(
        f'listen: "127.0.0.1:{port}"\n'
        f'jetstream {{ store_dir: "{home / "store"}", sync_interval: {sync}, max_file_store: 20GB }}\n'
    )
    async with running((built(NATS_SERVER), "-c", settings), home / "nats-server.log") as server:
        await server.until(partial(says, port, b"", b"INFO "), _READY_WITHIN_S)
        yield f"127.0.0.1:{port}"
