"""Frames on stdin and stdout, and the numbering of observations."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator
from typing import Any

from rockqueue_conformance.protocol import driver_pb2 as pb

LENGTH_BYTES = 4


class Frames:
    """Reads commands and writes reports; writing is safe from any thread."""

    def __init__(self) -> None:
        self._input = os.fdopen(os.dup(0), "rb")
        self._output = os.fdopen(os.dup(1), "wb")
        # What anybody prints goes where people read it.
        os.dup2(2, 1)
        self._lock = threading.Lock()
        self._observations = 0

    async def commands(self) -> AsyncIterator[pb.Command]:
        """Every command, to the end of the input."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[pb.Command | None] = asyncio.Queue()

        def read() -> None:
            while len(head := self._input.read(LENGTH_BYTES)) == LENGTH_BYTES:
                command = pb.Command.FromString(self._input.read(int.from_bytes(head)))
                loop.call_soon_threadsafe(arrived.put_nowait, command)
            loop.call_soon_threadsafe(arrived.put_nowait, None)

        threading.Thread(target=read, daemon=True).start()
        while (command := await arrived.get()) is not None:
            yield command

    def report(self, report: pb.Report) -> None:
        """Writes a report."""
        with self._lock:
            self._write(report)

    def observe(self, **what: Any) -> None:
        """Writes an observation with the next number."""
        with self._lock:
            self._observations += 1
            self._write(pb.Report(observation=pb.Observation(sequence=self._observations, **what)))

    def _write(self, report: pb.Report) -> None:
        data = report.SerializeToString()
        self._output.write(len(data).to_bytes(LENGTH_BYTES) + data)
        self._output.flush()


class LogObserver(logging.Handler):
    """What the SDK logs becomes an observation."""

    def __init__(self, frames: Frames) -> None:
        super().__init__(logging.INFO)
        self._frames = frames

    def emit(self, record: logging.LogRecord) -> None:
        """Reports a record."""
        self._frames.observe(log=pb.LogRecord(level=record.levelname.lower(), text=record.getMessage()))
