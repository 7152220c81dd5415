"""RustQueue."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from rockqueue_bench.peers.child import free_port, running, says
from rockqueue_bench.peers.places import RUSTQUEUE, built

_READY_WITHIN_S = 20.0
# At its default level it logs each job. With two threads, its default on two cores, the hybrid storage locks up
# as soon as two connections push: a thread holds a lock while it waits for the disk, and no other is left to go on.
_ENVIRONMENT = {"RUST_LOG": "warn", "TOKIO_WORKER_THREADS": "32"}
_QUESTION = b'{"cmd":"stats","queue":"ready"}\n'


@asynccontextmanager
async def rustqueue_server(home: Path, *, storage: str) -> AsyncGenerator[str]:
    """`storage` is what its settings have below `[storage]`, in TOML. It answers clients over TCP."""
    port = free_port()
    settings = home / "rustqueue.toml"
    settings.write_text(
        f'[server]\nhost = "127.0.0.1"\ntcp_port = {port}\nhttp_port = {free_port()}\n'
        f'[storage]\npath = "{home / "store"}"\n{storage}\n'
    )
    command = (built(RUSTQUEUE), "serve", "--config", settings)
    async with running(command, home / "rustqueue.log", environment=_ENVIRONMENT) as server:
        await server.until(partial(says, port, _QUESTION, b"{"), _READY_WITHIN_S)
        yield f"127.0.0.1:{port}"
