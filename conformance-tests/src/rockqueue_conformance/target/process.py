"""A server that the runner starts, kills, stops and starts again on the same files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
from pathlib import Path

_ADDRESS = re.compile(r"(?:127\.0\.0\.1|\[::1\]|localhost):(\d+)")

DEFAULT_COMMAND = "rockqueue serve {dir} --listen 127.0.0.1:0 --metrics off --testing --ready-file {ready_file}"


class ServerTrouble(Exception):
    """The server did not start, did not answer in time, or ended by itself."""


class ServerProcess:
    """One server command and its files. `{dir}` and `{ready_file}` in the command are filled in."""

    def __init__(self, command: str, home: Path, args: tuple[str, ...] = ()) -> None:
        self._command = command
        self._home = home
        self._args = args
        self._process: asyncio.subprocess.Process | None = None
        self._starts = 0
        self.address = ""
        self.altered = False
        """Whether it was started last with arguments that only one case wanted."""
        home.mkdir(parents=True, exist_ok=True)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def log_path(self) -> Path:
        return self._home / "server.log"

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that the server wrote, for a failure's report."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    async def start(self, timeout_s: float = 30.0, extra: tuple[str, ...] = ()) -> None:
        """Starts the command and waits until the ready file names an address; ServerTrouble otherwise."""
        self._starts += 1
        self.altered = bool(extra)
        ready = self._home / f"ready-{self._starts}"
        words = [
            word.replace("{dir}", str(self._home / "store")).replace("{ready_file}", str(ready))
            for word in (*shlex.split(self._command), *self._args, *extra)
        ]
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            with self.log_path.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *words, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
                )
        except OSError as error:
            raise ServerTrouble(f"cannot start {words[0]}: {error}") from None
        while loop.time() - began < timeout_s:
            if self._process.returncode is not None:
                raise ServerTrouble(f"the server ended with code {self._process.returncode}:\n{self.log_tail()}")
            if ready.exists() and (found := _ADDRESS.search(ready.read_text())) is not None:
                self.address = found.group(0)
                return
            await asyncio.sleep(0.01)
        await self.kill()
        raise ServerTrouble(f"the server was not ready within {timeout_s:.0f} s:\n{self.log_tail()}")

    def send_signal(self, name: str) -> None:
        """Sends a signal, such as SIGTERM, to the server."""
        if self._process is not None and self.running:
            os.kill(self._process.pid, signal.Signals[name])

    async def wait_exit(self, timeout_s: float) -> int:
        """The exit code; ServerTrouble when the server still runs after the time."""
        assert self._process is not None
        try:
            return await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError:
            raise ServerTrouble(f"the server still runs {timeout_s:.0f} s after it was asked to end") from None

    async def kill(self) -> None:
        """Kills the server and all it started (SIGKILL), and waits until it is gone."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
