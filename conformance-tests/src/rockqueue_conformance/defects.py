"""The seeded defects of the reference server and of SDKs, and the cases that must notice each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from rockqueue_conformance.folders import data_folder
from rockqueue_conformance.language.model import Case
from rockqueue_conformance.runner.expand import fits


@dataclass(frozen=True, slots=True)
class Defect:
    """A seeded defect, and patterns of the cases that speak of it.

    Of the server (`where` empty: `rockqueue serve --testing --defect NAME`), of an SDK as the proxy plays it
    (`wire`), or of the driver (`driver`).
    """

    name: str
    text: str
    cases: tuple[str, ...]
    crash: bool = False
    where: str = ""


def load_defects(
    cases: Sequence[Case] | None = None, folder: Path | None = None, name: str = "defects.yaml"
) -> list[Defect]:
    """The defects of a file; ValueError when a pattern fits no case (where `cases` are given)."""
    path = (folder or data_folder("requirements")) / name
    rows = cast(list[dict[str, Any]], yaml.load(path.read_text(), Loader=yaml.CSafeLoader))
    found = [
        Defect(row["name"], row["text"], tuple(row["cases"]), row.get("crash", False), row.get("where", ""))
        for row in rows
    ]
    for defect in found if cases is not None else []:
        for pattern in defect.cases:
            if not any(fits(case.id, pattern) for case in cases or ()):
                raise ValueError(f"the defect {defect.name} names {pattern!r}, which fits no case")
    return found
