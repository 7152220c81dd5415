"""The values of quick runs over time, one JSON object a line, kept with the documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rockqueue_bench.record import Record

SHOWN_RUNS = 12


def history_file(docs: Path) -> Path:
    """Where the values are kept."""
    return docs / "benchmarks" / "history.jsonl"


def keep_values(docs: Path, record: Record) -> None:
    """Adds the values of a run, with what they cannot be compared without."""
    data = record.as_data()
    machine = {name: record.machine[name] for name in ("commit", "cores", "processor", "load_average_1m")}
    file = history_file(docs)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lines:
        lines.write(json.dumps({"ended": data["ended"], "mode": record.mode, **machine, **record.values}) + "\n")


def kept_values(docs: Path) -> list[dict[str, Any]]:
    """The last runs that were kept, the newest one last."""
    file = history_file(docs)
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines() if line][-SHOWN_RUNS:]
