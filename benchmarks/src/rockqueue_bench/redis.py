"""A Redis server of its own: on loopback, synced before each answer, ended with its block."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rockqueue_bench.results import NotHere
from rockqueue_bench.usage import Usage, usage_of

READY_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class RedisServer:
    """Where it listens, and which process it is."""

    address: str
    version: str
    pid: int

    def usage(self) -> Usage:
        """What it has used so far."""
        return usage_of(self.pid)


@asynccontextmanager
async def redis_server(home: Path) -> AsyncGenerator[RedisServer]:
    """Starts `redis-server` with its files in `home`, and kills it afterwards. Raises NotHere, RuntimeError."""
    program = shutil.which("redis-server")
    if program is None:
        raise NotHere("there is no redis-server: apt-get install redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        program,
        *("--bind", "127.0.0.1", "--port", str(port), "--dir", str(home), "--daemonize", "no"),
        *("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--auto-aof-rewrite-percentage", "0"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        version = await asyncio.wait_for(_version(port, process), READY_WITHIN_S)
        yield RedisServer(f"127.0.0.1:{port}", version, process.pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _version(port: int, process: asyncio.subprocess.Process) -> str:
    """Waits until the server answers, and returns what it says it is."""
    while process.returncode is None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(_LOOK_EVERY_S)
            continue
        try:
            writer.write(b"INFO server\r\n")
            await reader.readuntil(b"redis_version:")
            return (await reader.readline()).decode().strip()
        finally:
            writer.close()
    raise RuntimeError(f"redis-server ended with code {process.returncode}")
