"""A real server process on a directory of its own, ended by its id."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

from rockqueue_bench.usage import Usage, usage_of

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.002
_SCRAPED_WITHIN_S = 10.0
# How many fsyncs there were, in the text for Prometheus.
_FSYNCS = re.compile(rb"^rockqueue_fsync_seconds_count ([0-9.e+]+)$", re.MULTILINE)


class ServerTrouble(Exception):
    """The server did not start, or ended by itself; the message has the end of its log."""


def server_command() -> str:
    """The command `rockqueue` beside this Python, or else on the path."""
    beside = Path(sys.executable).parent / "rockqueue"
    found = str(beside) if beside.exists() else shutil.which("rockqueue")
    if found is None:
        raise ServerTrouble("no command `rockqueue`: install rockqueue-server beside rockqueue-bench")
    return found


class ServerProcess:
    """`rockqueue serve` on `home/store`. It may be started again after it was stopped."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: asyncio.subprocess.Process | None = None
        self.address = ""
        self._metrics_address = ""
        self.ready_s = 0.0
        """Seconds from the last start to the moment in which it said that it takes calls."""
        home.mkdir(parents=True, exist_ok=True)

    async def start(self) -> None:
        """Starts the server and waits until it takes calls. Raises ServerTrouble."""
        ready_file = self._home / "ready.json"
        ready_file.unlink(missing_ok=True)
        began = time.perf_counter()
        with self._log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                server_command(),
                *("serve", str(self._home / "store"), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"),
                *("--ready-file", str(ready_file), "--drain-grace", "1s", "--log-level", "warning"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while not ready_file.exists():
            if self._process.returncode is not None:
                raise ServerTrouble(f"the server ended with code {self._process.returncode}: {self._log_tail()}")
            if time.perf_counter() - began > READY_WITHIN_S:
                await self.kill()
                raise ServerTrouble(f"the server was not ready within {READY_WITHIN_S:.0f} s: {self._log_tail()}")
            await asyncio.sleep(_LOOK_EVERY_S)
        self.ready_s = time.perf_counter() - began
        ready = json.loads(ready_file.read_text())
        self.address, self._metrics_address = ready["listen"], ready["metrics"]

    async def usage(self) -> Usage:
        """What the server has used since it was started. Raises ServerTrouble when it has ended."""
        return replace(self.usage_unasked(), fsyncs=await self._fsyncs())

    def usage_unasked(self) -> Usage:
        """The same without the fsyncs: it costs the server nothing to be looked at."""
        if self._process is None or self._process.returncode is not None:
            raise ServerTrouble(f"the server ended by itself: {self._log_tail()}")
        return usage_of(self._process.pid)

    async def stop(self) -> None:
        """Asks the server to stop in good order, and waits for that. Raises ServerTrouble."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        try:
            code = await asyncio.wait_for(self._process.wait(), STOPPED_WITHIN_S)
        except TimeoutError:
            await self.kill()
            raise ServerTrouble(f"the server did not stop within {STOPPED_WITHIN_S:.0f} s") from None
        if code != 0:
            raise ServerTrouble(f"the server stopped with code {code}: {self._log_tail()}")

    async def kill(self) -> None:
        """Ends the server at once; fine when it has ended."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _fsyncs(self) -> int:
        """The fsyncs since the start, as the server counts them for Prometheus."""
        host, _, port = self._metrics_address.rpartition(":")
        async with asyncio.timeout(_SCRAPED_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                text = await reader.read(-1)
            finally:
                writer.close()
        found = _FSYNCS.search(text.replace(b"\r", b""))
        if found is None:
            raise ServerTrouble("the server's metrics do not tell how many fsyncs there were")
        return int(float(found[1]))

    @property
    def _log_path(self) -> Path:
        return self._home / "server.log"

    def _log_tail(self) -> str:
        return "\n".join(self._log_path.read_text(errors="replace").splitlines()[-10:])
