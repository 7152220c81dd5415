"""beanstalkd with its write-ahead log."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from rockqueue_bench.peers.child import free_port, running, says
from rockqueue_bench.peers.places import installed

_READY_WITHIN_S = 20.0
_QUESTION, _ANSWER = b"list-tubes\r\n", b"OK "


@asynccontextmanager
async def beanstalkd_server(home: Path, *, sync_ms: int) -> AsyncGenerator[str]:
    """`sync_ms` is the least time between two fsyncs; with 0 each write is synced."""
    port = free_port()
    command = (
        *(installed("beanstalkd", "beanstalkd"), "-l", "127.0.0.1", "-p", str(port)),
        *("-b", home, f"-f{sync_ms}"),
    )
    async with running(command, home / "beanstalkd.log") as server:
        await server.until(partial(says, port, _QUESTION, _ANSWER), _READY_WITHIN_S)
        yield f"127.0.0.1:{port}"
