"""One run as a record: all that was measured, as a JSON object and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from rockqueue_bench.budgets import budget_of
from rockqueue_bench.growth.curve import Curve
from rockqueue_bench.peers import PeerResult
from rockqueue_bench.results import Metrics, Row, rounded
from rockqueue_bench.shapes.cell import Cell

FORMAT = 2
Facts = Mapping[str, str | int | float]


class NoRecord(Exception):
    """A file holds no record of a run, or one that another version has written; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a run measured: `rows`, `cells` (of the table of shapes), `seed` (jobs/s by shape), `curves`, `peers`.

    `mode` is "full", "quick" or "growth"; `seconds` is how long the whole run took. A part that was not asked for is
    empty.
    """

    mode: str
    ended: datetime
    seconds: float
    machine: Facts
    rows: Sequence[Row] = ()
    cells: Sequence[Cell] = ()
    seed: Mapping[str, float] = field(default_factory=dict[str, float])
    curves: Sequence[Curve] = ()
    peers: Sequence[PeerResult] = ()

    @property
    def values(self) -> Metrics:
        """All values by name."""
        values: Metrics = {}
        for part in (*self.rows, *self.curves):
            values |= part.metrics
        return rounded(values)

    @property
    def missed(self) -> list[str]:
        """Values that missed their budget."""
        return [name for name, value in self.values.items() if (budget := budget_of(name)) and not budget.met(value)]

    @property
    def failed(self) -> list[str]:
        """What could not be measured, though the machine has all that it needs."""
        named = [part.name for part in (*self.rows, *self.curves) if part.error]
        return named + [f"{cell.shape}, {cell.way}" for cell in self.cells if cell.error]

    def as_data(self) -> dict[str, Any]:
        """The record for JSON."""
        return {
            "rockqueue_bench": FORMAT,
            "mode": self.mode,
            "ended": self.ended.astimezone(UTC).isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "values": self.values,
            "missed": self.missed,
            "failed": self.failed,
            "machine": dict(self.machine),
            "rows": [row.as_data() for row in self.rows],
            "cells": [cell.as_data() for cell in self.cells],
            "seed": rounded(dict(self.seed)),
            "curves": [curve.as_data() for curve in self.curves],
            "peers": [rounded(peer.as_data()) for peer in self.peers],
        }

    @classmethod
    def of_data(cls, data: Any) -> Record:
        """The record that was written as JSON. Raises NoRecord."""
        known = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
        if known.get("rockqueue_bench") != FORMAT:
            raise NoRecord("this is no result of this version of the benchmarks: measure anew, by `make bench`")
        return cls(
            mode=known["mode"],
            ended=datetime.fromisoformat(known["ended"]),
            seconds=known["seconds"],
            machine=known["machine"],
            rows=[Row.of_data(row) for row in known["rows"]],
            cells=[Cell.of_data(cell) for cell in known["cells"]],
            seed=known["seed"],
            curves=[Curve.of_data(curve) for curve in known["curves"]],
            peers=[PeerResult(**peer) for peer in known["peers"]],
        )
