"""What was measured of a queue, RockQueue or a peer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

FSYNC = "fsync before the answer"
INTERVAL = "fsync every second / interval"
MEMORY = "memory, snapshot later"
DURABILITIES = (FSYNC, INTERVAL, MEMORY)
"""The classes that figures may be compared in, the safest first."""

PRODUCE, CONSUME, END_TO_END, LATENCY = "produce", "consume", "end to end", "latency"
SHAPES = (PRODUCE, CONSUME, END_TO_END, LATENCY)


@dataclass(frozen=True, slots=True)
class PeerResult:
    """One figure of one queue.

    `durability` is one of `DURABILITIES`, `shape` one of `SHAPES`. `clients` is the number of connections that push, or
    that work. Where `jobs_per_s` is None, `note` has the reason; nothing was measured then. `p50_ms` and `p99_ms` tell
    how long after the push the work on a job began.
    """

    name: str
    version: str
    durability: str
    shape: str
    batch: int
    clients: int
    payload_bytes: int
    jobs_per_s: float | None
    p50_ms: float | None
    p99_ms: float | None
    note: str

    def as_data(self) -> dict[str, Any]:
        """The result for JSON."""
        return asdict(self)
