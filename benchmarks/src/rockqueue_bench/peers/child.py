"""A process of a run, with all that it starts itself: it ends with its block, whatever happens in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

_STOPPED_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.02


class ChildTrouble(Exception):
    """A process did not get ready, or ended by itself; the message has the end of its log."""


class Child:
    """A process in a session of its own."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def name(self) -> str:
        """What its log is called."""
        return self._log.stem

    def log_tail(self) -> str:
        """The last lines that it said."""
        lines = self._log.read_text(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-5:])[-500:]

    async def until(self, ready: Callable[[], Awaitable[bool]], within_s: float) -> None:
        """Waits until it is ready. Raises ChildTrouble."""
        limit = time.monotonic() + within_s
        while not await ready():
            if self.process.returncode is not None:
                raise ChildTrouble(f"{self.name} ended with code {self.process.returncode}: {self.log_tail()}")
            if time.monotonic() > limit:
                raise ChildTrouble(f"{self.name} was not ready within {within_s:.0f} s: {self.log_tail()}")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def stop(self, how: signal.Signals) -> None:
        """Asks it to end, then ends it and what is left of its session."""
        try:
            if self.process.returncode is None:
                # Not `send_signal`: that one reaps a process that has just ended, and asyncio never hears of it.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.process.pid, how)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.process.wait(), _STOPPED_WITHIN_S)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()


@asynccontextmanager
async def running(
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    stop: signal.Signals = signal.SIGTERM,
    pipes: bool = False,
) -> AsyncGenerator[Child]:
    """Runs a command for as long as the block lasts; with `pipes`, its input and output belong to the caller.

    The kernel ends it also when this process is killed.
    """
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *_tied_to_this_process(),
            *(str(part) for part in command),
            stdin=asyncio.subprocess.PIPE if pipes else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if pipes else file,
            stderr=file,
            env={**os.environ, **(environment or {})},
            cwd=log.parent,
            start_new_session=True,
        )
    child = Child(process, log)
    try:
        yield child
    finally:
        await asyncio.shield(child.stop(stop))


async def finished(
    command: Sequence[str | Path], log: Path, within_s: float, environment: Mapping[str, str] | None = None
) -> None:
    """Runs a command to its end. Raises ChildTrouble."""
    async with running(command, log, environment=environment, stop=signal.SIGKILL) as child:
        try:
            code = await asyncio.wait_for(child.process.wait(), within_s)
        except TimeoutError:
            raise ChildTrouble(f"{child.name} did not end within {within_s:.0f} s: {child.log_tail()}") from None
        if code != 0:
            raise ChildTrouble(f"{child.name} ended with code {code}: {child.log_tail()}")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def says(port: int, question: bytes, answer: bytes) -> bool:
    """Whether a server answers a question with what begins as `answer`; with an empty question, whether it listens."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        if not question and not answer:
            return True
        writer.write(question)
        return await asyncio.wait_for(reader.readexactly(len(answer)), 2.0) == answer
    except (OSError, EOFError, TimeoutError):
        return False
    finally:
        writer.close()


def _tied_to_this_process() -> Sequence[str]:
    setpriv = shutil.which("setpriv")
    return () if setpriv is None else (setpriv, "--pdeathsig", "KILL", "--")
