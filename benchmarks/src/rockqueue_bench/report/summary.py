"""A run as one JSON object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rockqueue_bench.budgets import budget_of
from rockqueue_bench.results import Row

FORMAT = 1


def summary(
    rows: Sequence[Row], facts: Mapping[str, str | int | float], *, mode: str, ended: datetime, seconds: float
) -> dict[str, Any]:
    """All values by name, the budgets that were missed, the rows that failed, and each row with its costs.

    `mode` is "full" or "quick"; `seconds` is how long the whole run took.
    """
    data = [row.as_data() for row in rows]
    values: dict[str, float] = {}
    for row in data:
        values |= row["metrics"]
    missed = [name for name, value in values.items() if (budget := budget_of(name)) and not budget.met(value)]
    return {
        "rockqueue_bench": FORMAT,
        "mode": mode,
        "ended": ended.astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "values": values,
        "missed": missed,
        "failed": [row.name for row in rows if row.error],
        "machine": dict(facts),
        "rows": data,
    }
