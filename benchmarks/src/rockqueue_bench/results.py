"""What a row of the benchmark has measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, cast

from rockqueue_bench.latency import Latency
from rockqueue_bench.usage import Usage

Metrics = dict[str, float]
"""Values by name; the name ends with the unit."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values, and what they cost.

    `seconds` is how long it was measured, `durability` what an answer promised meanwhile. `server` and `client` are
    what the processes used in that time; several clients are added up. `load` says how the work was offered.
    """

    name: str
    metrics: Metrics = field(default_factory=dict[str, float])
    seconds: float = 0.0
    jobs: int = 0
    durability: str = "none"
    server: Usage | None = None
    client: Usage | None = None
    latency_ms: Latency | None = None
    load: dict[str, Any] = field(default_factory=dict[str, Any])
    error: str = ""

    @property
    def server_us_per_job(self) -> float | None:
        """Processor time of the server for one job: steadier than a rate where other programs share the machine."""
        return self.server.cpu_s / self.jobs * 1e6 if self.server is not None and self.jobs else None

    def as_data(self) -> dict[str, Any]:
        """The row for JSON."""
        return _rounded({**asdict(self), "server_us_per_job": self.server_us_per_job})


def _rounded(value: Any) -> Any:
    """Six digits are more than a measurement is worth."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in cast("dict[str, Any]", value).items()}
    return value
