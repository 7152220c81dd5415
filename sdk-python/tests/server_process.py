"""A real server, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from scripted import eventually

START_S = 30.0


@asynccontextmanager
async def server_process(folder: Path) -> AsyncGenerator[subprocess.Popen[bytes]]:
    """Serves `folder/jobs.db` at `unix://folder/s.sock`; ends with the block."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "rockqueue_server", "serve", str(folder / "jobs.db")]
    command += ["--listen", f"unix:{folder}/s.sock", "--metrics", "off", "--ready-file", str(ready)]
    process = await asyncio.to_thread(subprocess.Popen[bytes], command, stderr=subprocess.DEVNULL)
    with process:
        try:
            await eventually(ready.exists, START_S)
            await eventually(lambda: bool(ready.read_text()) and bool(json.loads(ready.read_text())))
            yield process
        finally:
            process.kill()
            await asyncio.to_thread(process.wait)
