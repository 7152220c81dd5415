"""Starts the processes of the demo, kills them, and leaves none behind.

Each process prints or logs one line once it is ready; all its output is kept in a log file beside its data. Every
process is ended by its own id.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Self

READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0


class ProcessFailed(Exception):
    """A process of the demo did not start or ended by itself; the message ends with the last lines of its log."""


class DemoProcess:
    """One running process: its name for people, its id, and its log."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        self.name = name
        self.address = ""
        self._process = process
        self._log = log
        self._log.touch()
        self._copying: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def wait_ready(self, pattern: str) -> None:
        """Waits for the line that matches `pattern`, and takes its first group as `address`.

        Raises ProcessFailed when the process ends first, or says nothing in time.
        """
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while (found := re.search(pattern, line := await self._read_line())) is None:
                    if not line:
                        raise ProcessFailed(f"{self.name} ended before it was ready\n{self.tail()}")
        except TimeoutError:
            raise ProcessFailed(f"{self.name} was not ready within {READY_TIMEOUT_S:.0f} s\n{self.tail()}") from None
        self.address = found.group(1)
        self._copying = asyncio.create_task(self._copy_output())

    async def kill(self) -> None:
        """`kill -9`: the process gets no chance to say goodbye. Returns when it is gone."""
        self._signal(signal.SIGKILL)
        await self._gone()

    async def stop(self) -> None:
        """Asks the process to end, and kills it when it does not."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._gone()
        except TimeoutError:
            await self.kill()

    def tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _gone(self) -> None:
        await self._process.wait()
        if self._copying is not None:
            await self._copying

    async def _copy_output(self) -> None:
        while await self._read_line():
            pass

    async def _read_line(self) -> str:
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode(errors="replace")
        with self._log.open("a") as log:
            log.write(line)
        return line


class Processes:
    """The processes of one act. Leaving the context ends all that still run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ending = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._ending.aclose()

    async def start(
        self, name: str, command: Sequence[str], ready: str, environment: Mapping[str, str] | None = None
    ) -> DemoProcess:
        """Starts `command` in the folder of the act and returns once a line of its output matches the pattern `ready`.

        Raises ProcessFailed when it does not get that far.
        """
        process = await asyncio.create_subprocess_exec(
            *command, stdout=PIPE, stderr=STDOUT, cwd=self._folder, env={**os.environ, **(environment or {})}
        )
        started = DemoProcess(name, process, self._folder / f"{name.replace(' ', '-')}.log")
        self._ending.push_async_callback(started.stop)
        await started.wait_ready(ready)
        return started


def python_module(module: str, *options: str) -> list[str]:
    """The command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *options]
