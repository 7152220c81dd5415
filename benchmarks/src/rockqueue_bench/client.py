"""A load in a process of its own, as the harness sees it: parameters in, readiness and one result out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rockqueue_bench.usage import Usage

READY_WITHIN_S = 90.0
# A result holds figures only, but some hold one for each moment.
_LINE_BYTES = 4 << 20


class LoadTrouble(Exception):
    """A load did not get ready, did not end in time, or failed; the message has the end of what it said."""


class LoadProcess:
    """One load, run by a command that takes its parameters as the first line of its input."""

    def __init__(self, name: str, command: Sequence[str], params: dict[str, Any], log_path: Path) -> None:
        self.name = name
        self._command = command
        self._params = params
        self._log_path = log_path
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Starts the process and hands it its parameters; it connects and warms up by itself."""
        with self._log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_LINE_BYTES,
                start_new_session=True,
            )
        self.tell(self._params)

    async def ready(self) -> dict[str, Any]:
        """Waits until the load is warm. Raises LoadTrouble."""
        return await self._hear(READY_WITHIN_S)

    def tell(self, message: dict[str, Any]) -> None:
        """Sends a line: the parameters, the signal to go, or what a load waits for besides."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    def go(self) -> None:
        """Lets the measured part begin."""
        self.tell({})

    async def result(self, within_s: float) -> dict[str, Any]:
        """What the load has measured. Raises LoadTrouble."""
        return await self._hear(within_s)

    async def kill(self) -> None:
        """Ends the process at once; fine when it has ended."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _hear(self, within_s: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), within_s)
        except TimeoutError:
            raise LoadTrouble(f"load {self.name} said nothing for {within_s:.0f} s: {self._log_tail()}") from None
        if not line:
            raise LoadTrouble(f"load {self.name} ended too soon: {self._log_tail()}")
        return json.loads(line)

    def _log_tail(self) -> str:
        return "\n".join(self._log_path.read_text(errors="replace").splitlines()[-10:])


def usage_in(result: dict[str, Any]) -> Usage:
    """What a load's own process used while it measured."""
    return Usage(**result["usage"])
