"""What a row of the benchmark has measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from rockqueue_bench.latency import Latency
from rockqueue_bench.usage import Usage

Metrics = dict[str, float]
"""Values by name; the name ends with the unit."""


class NotHere(Exception):
    """What a measurement needs is not on this machine; the message says what to install or to build."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values, and what they cost.

    `seconds` is how long it was measured, `durability` what an answer promised meanwhile. `server` and `client` are
    what the processes used in that time; several clients are added up. `rates` are the jobs of each second, one after
    the other. `load` says how the work was offered. A row that failed has an `error`; one that this machine lacks
    something for says in `missing` what that is.
    """

    name: str
    metrics: Metrics = field(default_factory=dict[str, float])
    seconds: float = 0.0
    jobs: int = 0
    durability: str = "none"
    server: Usage | None = None
    client: Usage | None = None
    latency_ms: Latency | None = None
    rates: tuple[float, ...] = ()
    load: dict[str, Any] = field(default_factory=dict[str, Any])
    error: str = ""
    missing: str = ""

    @property
    def server_us_per_job(self) -> float | None:
        """Processor time of the server for one job: steadier than a rate where other programs share the machine."""
        return self.server.cpu_s / self.jobs * 1e6 if self.server is not None and self.jobs else None

    def as_data(self) -> dict[str, Any]:
        """The row for JSON."""
        return rounded({**asdict(self), "server_us_per_job": self.server_us_per_job})

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Row:
        """The row that was written as JSON."""
        fields: dict[str, Any] = {name: value for name, value in data.items() if name != "server_us_per_job"}
        for name in ("server", "client"):
            fields[name] = data[name] and Usage(**data[name])
        fields["latency_ms"] = data["latency_ms"] and Latency(**data["latency_ms"])
        fields["rates"] = tuple(data["rates"])
        return cls(**fields)


def rates_of(samples: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Rates between samples of a count, which are pairs of a time in seconds and the count by then; from 0 on."""
    rates: list[float] = []
    last_s, last_count = 0.0, 0.0
    for at_s, count in samples:
        if at_s > last_s:
            rates.append((count - last_count) / (at_s - last_s))
            last_s, last_count = at_s, count
    return tuple(rates)


def rounded(value: Any) -> Any:
    """The same for JSON: six digits are more than a measurement is worth."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [rounded(entry) for entry in cast("Sequence[Any]", value)]
    return value
