"""A driver as a child process: commands out, answers and observations in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from rockqueue_conformance.protocol import driver_pb2 as pb
from rockqueue_conformance.sdk.drivers import DriverSpec, fill
from rockqueue_conformance.wire.convert import from_data, to_data

Data = dict[str, Any]

LENGTH_BYTES = 4
LONGEST_FRAME = 64 << 20
HELLO_TIMEOUT_S = 30.0
RESET_TIMEOUT_S = 10.0
LOG_LINES_SHOWN = 15


class DriverTrouble(Exception):
    """The driver ended, broke the protocol, or did not answer in time."""


class DriverProcess:
    """One driver that runs. Observations are kept until the next case begins."""

    def __init__(self, spec: DriverSpec, name: str, log_path: Path, args: tuple[str, ...] = ()) -> None:
        self.spec = spec
        self.name = name
        self.hello: Data = {}
        self.observations: list[Data] = []
        self.flaws: list[str] = []
        self.on_message: Any = None
        self._args = args
        self._log_path = log_path
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Data]] = {}
        self._commands = 0
        self._sequence = 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process that runs the SDK."""
        return int(self.hello["pid"])

    @property
    def features(self) -> list[str]:
        return self.hello.get("features", [])

    async def start(self) -> None:
        """Starts the driver and waits for its hello; DriverTrouble otherwise."""
        words = [fill(word) for word in self.spec.command] + list(self._args)
        greeted: asyncio.Future[Data] = asyncio.get_running_loop().create_future()
        self._waiting[0] = greeted
        try:
            with self._log_path.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *words,
                    cwd=fill(self.spec.folder),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            raise DriverTrouble(f"cannot start {words[0]}: {error}") from None
        self._reader = asyncio.create_task(self._read())
        self.hello = await self._within(greeted, HELLO_TIMEOUT_S, "hello")

    async def call(self, command: str, data: Data, timeout_s: float) -> Data:
        """Carries out a command; its answer as data, `{kind: result}`."""
        return await self._within(self.begin(command, data), timeout_s, command)

    def begin(self, command: str, data: Data) -> asyncio.Future[Data]:
        """Sends a command; the future is its answer."""
        self._commands += 1
        number = self._commands
        message = from_data(pb.Command, {"id": number, command: data})
        answer: asyncio.Future[Data] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        frame = message.SerializeToString()
        if self._process is None or self._process.stdin is None or not self.running:
            raise DriverTrouble(f"the driver {self.name} does not run")
        self._process.stdin.write(len(frame).to_bytes(LENGTH_BYTES) + frame)
        return answer

    async def reset(self) -> bool:
        """Has the driver begin anew; False when it does not, and must be replaced."""
        try:
            answer = await self.call("reset", {}, RESET_TIMEOUT_S)
        except DriverTrouble:
            return False
        self.observations = []
        self.flaws = []
        return "done" in answer and self.running

    def send_signal(self, name: str) -> None:
        """Sends a signal to the process that runs the SDK."""
        os.kill(self.pid, signal.Signals[name])

    async def kill(self) -> None:
        """Kills it and all it started, and waits until it is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    async def close(self) -> int | None:
        """Ends its input and waits for its end; kills it when it does not. The exit code, None when it was killed."""
        if self._process is None or self._process.stdin is None:
            return None
        self._process.stdin.close()
        try:
            code = await asyncio.wait_for(self._process.wait(), RESET_TIMEOUT_S)
        except TimeoutError:
            await self.kill()
            return None
        await self.kill()
        return code

    def memory_mib(self) -> float:
        """What the process that runs the SDK holds in memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise DriverTrouble(f"the memory of process {self.pid} cannot be read")

    def log_tail(self) -> str:
        """The last lines that it wrote for people."""
        if not self._log_path.exists():
            return ""
        return "\n".join(self._log_path.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])

    async def _within(self, answer: asyncio.Future[Data], timeout_s: float, what: str) -> Data:
        try:
            return await asyncio.wait_for(asyncio.shield(answer), timeout_s)
        except TimeoutError:
            raise DriverTrouble(f"the driver {self.name} did not answer {what} within {timeout_s:g} s") from None

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        problem = ""
        try:
            while True:
                head = await self._process.stdout.readexactly(LENGTH_BYTES)
                length = int.from_bytes(head)
                if length > LONGEST_FRAME:
                    problem = f"a frame of {length} bytes: is something else written to its output?"
                    break
                self._take(pb.Report.FromString(await self._process.stdout.readexactly(length)))
        except asyncio.IncompleteReadError as error:
            problem = "in the middle of a frame" if error.partial else ""
        except Exception as error:  # noqa: BLE001 - whatever it wrote, the case must end
            problem = f"{type(error).__name__}: {error}"
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(DriverTrouble(f"the driver {self.name} ended {problem}:\n{self.log_tail()}"))
                answer.exception()

    def _take(self, report: pb.Report) -> None:
        kind = report.WhichOneof("report")
        if kind == "hello":
            self._waiting.pop(0).set_result(to_data(report.hello))
        elif kind == "answer":
            data = to_data(report.answer)
            number = int(data.pop("id"))
            answer = self._waiting.pop(number, None)
            if answer is None:
                self.flaws.append(f"the driver answered command {number} twice, or was never asked")
            elif not answer.done():
                answer.set_result(data)
        elif kind == "observation":
            self._observe(to_data(report.observation))

    def _observe(self, data: Data) -> None:
        number = int(data.pop("sequence"))
        if number != self._sequence + 1:
            self.flaws.append(f"observation {number} came after {self._sequence}")
        self._sequence = number
        self.observations.append(data)
        if self.on_message is not None:
            self.on_message("observed", data)
