"""The processes of the demo: started, killed, and none left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 15.0
POLL_S = 0.05


@asynccontextmanager
async def running(*command: str | Path, url: str = "", cwd: Path | None = None) -> AsyncGenerator[Process]:
    """A program that runs in `cwd` while the context lasts; `url` tells it where the queue is."""
    environment = {**os.environ, "ROCKQUEUE_URL": url} if url else None
    process = await asyncio.create_subprocess_exec(*map(str, command), env=environment, cwd=cwd)
    try:
        yield process
    finally:
        await stop(process)


async def stop(process: Process) -> int:
    """Asks a process to end, kills it when it does not, and returns its exit code."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            process.send_signal(number)
        with suppress(TimeoutError):
            return await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    raise TimeoutError(f"process {process.pid} survived kill -9")


async def kill(process: Process) -> None:
    """`kill -9`: the process gets no chance to say goodbye. Returns when it is gone."""
    process.kill()
    await process.wait()


@asynccontextmanager
async def queue_server(folder: Path) -> AsyncGenerator[str]:
    """A queue server on a port that the system chooses, with a folder for backups; gives its URL."""
    ready = folder / "ready.json"
    options = ("--listen", "127.0.0.1:0", "--metrics", "off", "--ready-file", ready, "--log-level", "warning")
    places = (folder / "jobs.db", "--backup-dir", folder / "backups")
    async with running("rockqueue", "serve", *places, *options) as server:
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not ready.exists():
                if server.returncode is not None:
                    raise RuntimeError(f"rockqueue serve ended with exit code {server.returncode}")
                await asyncio.sleep(POLL_S)
        yield f"rockqueue://{json.loads(ready.read_text())['listen']}"
