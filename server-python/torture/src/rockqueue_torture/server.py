"""A real server process on a store of its own: started, killed and started again, always at the same address."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 60.0
CHECKED_WITHIN_S = 120.0
_LOOK_EVERY_S = 0.005
# Below the range from which the system takes ports for outgoing connections: nobody takes it while the server is down.
_PORTS = range(20_000, 32_000)
_given: list[socket.socket] = []


class ServerTrouble(Exception):
    """The server did not start, did not stop, or ended by itself; the message has the end of its log."""


def rockqueue_command() -> str:
    """The command `rockqueue` beside this Python, or else on the path."""
    beside = Path(sys.executable).parent / "rockqueue"
    found = str(beside) if beside.exists() else shutil.which("rockqueue")
    if found is None:
        raise ServerTrouble("no command `rockqueue`: install rockqueue-server beside rockqueue-torture")
    return found


def free_port() -> int:
    """A loopback port that nobody listens on, and that no other torture on this machine is given.

    A name in the abstract namespace of Unix sockets is the mark of a port that was given; it goes with this process.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"\0rockqueue-torture-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
            continue
        _given.append(mark)
        return port
    raise ServerTrouble("every port is taken")


class Server:
    """`rockqueue serve` on `home/store`, with its log in `home/server.log`.

    `testing` serves rockqueue.testing.v1 too, and lets defects and failpoints be seeded. `environment` is added to
    that of this process, `preload` are libraries for LD_PRELOAD, `arguments` are options of `rockqueue serve`; all of
    them may be changed between a stop and the next start.
    """

    def __init__(
        self,
        home: Path,
        *,
        testing: bool = False,
        environment: Mapping[str, str] | None = None,
        preload: Sequence[Path] = (),
        arguments: Sequence[str] = (),
        port: int = 0,
        store: Path | None = None,
    ) -> None:
        self.home = home
        self.store = store or home / "store"
        self.testing = testing
        self.environment = dict(environment or {})
        self.preload = list(preload)
        self.arguments = list(arguments)
        self.address = f"127.0.0.1:{port or free_port()}"
        self.starts = 0
        self._process: asyncio.subprocess.Process | None = None
        home.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        """The id of the process that was started last."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """True while a process that was started has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self, *, within_s: float = READY_WITHIN_S) -> None:
        """Starts the server and waits until it takes calls. Raises ServerTrouble."""
        await self.launch()
        if not await self.ready(within_s=within_s):
            raise ServerTrouble(f"the server ended with code {self._code()} before it was ready:\n{self.log_tail()}")

    async def launch(self) -> None:
        """Starts the process, and waits for nothing."""
        assert not self.running, "the server runs already"
        self._ready_file.unlink(missing_ok=True)
        self.starts += 1
        environment = {**os.environ, **self.environment}
        if self.preload:
            environment["LD_PRELOAD"] = ":".join(str(library) for library in self.preload)
        with self._log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                rockqueue_command(),
                *("serve", str(self.store), "--listen", self.address, "--metrics", "off"),
                *("--ready-file", str(self._ready_file), "--drain-grace", "1s", "--log-level", "info"),
                *(["--testing"] if self.testing else []),
                *self.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    async def ready(self, *, within_s: float = READY_WITHIN_S) -> bool:
        """Waits until the launched server takes calls; False when it ends before. Raises ServerTrouble at the bound."""
        assert self._process is not None, "the server was not started"
        for _ in range(int(within_s / _LOOK_EVERY_S) + 1):
            if self._process.returncode is not None:
                return False
            if self._ready_file.exists():
                return json.loads(self._ready_file.read_text())["pid"] > 0
            await asyncio.sleep(_LOOK_EVERY_S)
        await self.kill()
        raise ServerTrouble(f"the server was not ready within {within_s:.0f} s:\n{self.log_tail()}")

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, such as SIGSTOP; nothing when the server has ended."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def kill(self) -> None:
        """Ends the server at once (kill -9); fine when it has ended."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def exited(self, within_s: float) -> int | None:
        """Waits for the server's end; its exit code (negative: the signal), or None when it still runs."""
        assert self._process is not None, "the server was not started"
        try:
            return await asyncio.wait_for(asyncio.shield(self._process.wait()), within_s)
        except TimeoutError:
            return None

    async def stop(self, within_s: float = STOPPED_WITHIN_S) -> None:
        """Asks the server to stop in good order, and waits for that. Raises ServerTrouble."""
        assert self._process is not None, "the server was not started"
        if self._process.returncode is None:
            self._process.terminate()
        code = await self.exited(within_s)
        if code is None:
            await self.kill()
            raise ServerTrouble(f"the server did not stop within {within_s:.0f} s:\n{self.log_tail()}")
        if code != 0:
            raise ServerTrouble(f"the server stopped with code {code}:\n{self.log_tail()}")

    async def check(self) -> dict[str, Any]:
        """What `rockqueue check --json` says about the store of a stopped server. Raises ServerTrouble."""
        process = await asyncio.create_subprocess_exec(
            *(rockqueue_command(), "check", str(self.store), "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), CHECKED_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ServerTrouble(f"rockqueue check took longer than {CHECKED_WITHIN_S:.0f} s") from None
        if process.returncode not in {0, 4}:
            raise ServerTrouble(f"rockqueue check ended with code {process.returncode}: {err.decode()}")
        return json.loads(out)

    def log_tail(self, lines: int = 12) -> str:
        """The last lines of the server's log."""
        if not self._log_path.exists():
            return "(no log)"
        return "\n".join(self._log_path.read_text(errors="replace").splitlines()[-lines:])

    def _code(self) -> int | None:
        return self._process.returncode if self._process is not None else None

    @property
    def _log_path(self) -> Path:
        return self.home / "server.log"

    @property
    def _ready_file(self) -> Path:
        return self.home / "ready.json"
