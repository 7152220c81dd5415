"""What a process has used so far: processor time, memory, bytes sent to the disk, as Linux tells in /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat, counted behind the closing bracket of the command's name.
_USER, _SYSTEM = 11, 12


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds of all threads, resident memory in MB, MB written; MB are 1,000,000 bytes.

    `fsyncs` is None where nobody counts them: only the server and the floor do.
    """

    cpu_s: float
    rss_mb: float
    written_mb: float
    fsyncs: int | None = None

    def since(self, before: Usage) -> Usage:
        """What was used after `before` was read. The memory is that of now."""
        fsyncs = None if self.fsyncs is None or before.fsyncs is None else self.fsyncs - before.fsyncs
        return Usage(self.cpu_s - before.cpu_s, self.rss_mb, self.written_mb - before.written_mb, fsyncs)

    def plus(self, other: Usage) -> Usage:
        """Two clients together."""
        return Usage(self.cpu_s + other.cpu_s, self.rss_mb + other.rss_mb, self.written_mb + other.written_mb)


def usage_of(pid: int) -> Usage:
    """Reads what the process with this id has used. Raises OSError when it is gone."""
    process = Path("/proc") / str(pid)
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[_USER]) + int(fields[_SYSTEM])
    rss_kib = _number_after("VmRSS:", (process / "status").read_text())
    written_bytes = _number_after("write_bytes:", _readable(process / "io"))
    return Usage(ticks / _TICKS_PER_S, rss_kib * 1024 / 1e6, written_bytes / 1e6)


def _number_after(label: str, text: str) -> int:
    for line in text.splitlines():
        if line.startswith(label):
            return int(line.split()[1])
    return 0


def _readable(path: Path) -> str:
    """The text of a file; empty where a container hides it."""
    try:
        return path.read_text()
    except PermissionError:
        return ""
