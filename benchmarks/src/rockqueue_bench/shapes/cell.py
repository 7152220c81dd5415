"""One figure of a table of shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rockqueue_bench.latency import Latency
from rockqueue_bench.results import rounded

SHAPES = ("produce", "consume", "end to end")


@dataclass(frozen=True, slots=True)
class Way:
    """How work is offered: jobs that travel together, connections at once, bytes of a payload."""

    batch: int
    clients: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Jobs per second of a shape; all answers after an fsync. `latency_ms` is of a batch until it was answered."""

    shape: str
    way: Way
    jobs_per_s: float | None
    latency_ms: Latency | None = None
    error: str = ""

    def as_data(self) -> dict[str, Any]:
        """The cell for JSON."""
        return rounded(asdict(self))

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Cell:
        """The cell that was written as JSON."""
        latency = data["latency_ms"] and Latency(**data["latency_ms"])
        return cls(data["shape"], Way(**data["way"]), data["jobs_per_s"], latency, data["error"])
