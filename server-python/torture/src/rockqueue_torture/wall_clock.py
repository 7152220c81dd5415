"""The wall clock of a server, stepped while it runs."""

from __future__ import annotations

import struct

from rockqueue_torture import native
from rockqueue_torture.server import Server

_OFFSET = struct.Struct("=q")


class WallClock:
    """Stands before a server's wall clock; its monotonic clock stays what it is. Raises CompilerMissing."""

    def __init__(self, server: Server) -> None:
        self._file = server.home / "clock"
        self._offset_ns = 0
        server.home.mkdir(parents=True, exist_ok=True)
        self._file.write_bytes(_OFFSET.pack(0))
        server.preload.append(native.build(native.source("wallclock.c"), server.home))
        self.environment = {"ROCKQUEUE_CLOCK_FILE": str(self._file)}
        server.environment.update(self.environment)

    def step(self, seconds: float) -> None:
        """Steps the clock, forward or back."""
        self._offset_ns += int(seconds * 1e9)
        with self._file.open("r+b") as file:
            file.write(_OFFSET.pack(self._offset_ns))
