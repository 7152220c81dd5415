"""Starts `rockqueue` as a process of its own, reads its log, and sees to it that it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
REAL = [sys.executable, "-m", "rockqueue_server"]
SCRIPTED = [sys.executable, str(TESTS / "cli" / "scripted_server.py")]
ANY_PORT = ("--listen", "127.0.0.1:0", "--metrics", "off")

PATIENCE_S = 20.0


class Process:
    """A running command. Its output goes to files, so that it never waits for a reader."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._out = folder / f"out-{time.monotonic_ns()}"
        self._err = self._out.with_name(f"{self._out.name}.err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(command, stdout=out, stderr=err, env=environment, cwd=folder)
        self.pid = self._process.pid

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text(errors="surrogateescape")

    @property
    def log(self) -> list[dict[str, Any]]:
        """All whole lines so far; fails when one is not a JSON object."""
        lines = [json.loads(line) for line in self.err.splitlines(keepends=True) if line.endswith("\n")]
        assert all(isinstance(line, dict) for line in lines), lines
        return lines

    def event(self, name: str) -> dict[str, Any]:
        """Waits for the log line of an event."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self.log if line["event"].startswith(name)), None)

        line = self._wait_for(found, name)
        assert line is not None
        return line

    def printed(self, text: str) -> None:
        """Waits for a text on standard output."""
        self._wait_for(lambda: text in self.out, text)

    def _wait_for(self, look: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if found := look():
                return found
            if self._process.poll() is not None and not look():
                raise AssertionError(f"exited with {self._process.returncode} before {what!r}:\n{self.err}")
            time.sleep(0.01)
        raise AssertionError(f"no {what!r} within {PATIENCE_S} s:\n{self.err}")

    def ready(self) -> str:
        """Waits until the server takes calls; gives its address."""
        return str(self.event("ready")["listen"])

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """Waits for the end."""
        try:
            return self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {PATIENCE_S} s:\n{self.err}") from None

    def stop(self) -> int:
        """SIGTERM, then the exit code."""
        self.send(signal.SIGTERM)
        return self.exit_code()

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(PATIENCE_S)


Start = Callable[..., Process]


@contextmanager
def starting(folder: Path) -> Generator[Start]:
    """Gives a function that starts commands; what still runs afterwards is killed."""
    processes: list[Process] = []

    def start(*arguments: str | Path, command: list[str] = REAL, **environment: str) -> Process:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ROCKQUEUE_")}
        clean["PYTHONPATH"] = os.pathsep.join([str(TESTS), *filter(None, [clean.get("PYTHONPATH")])])
        process = Process([*command, *map(str, arguments)], folder, clean | environment)
        processes.append(process)
        return process

    try:
        yield start
    finally:
        for process in processes:
            process.kill()
