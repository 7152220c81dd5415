"""The numbered requirements of the contract, and which of them the cases prove."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from rockqueue_conformance.folders import data_folder
from rockqueue_conformance.language.load import BadCases
from rockqueue_conformance.language.model import Case

_ID = re.compile(r"^[A-Z]+-\d{3}$")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One MUST of the contract: its number, its text, and where the contract says it."""

    id: str
    text: str
    source: str


def load_requirements(folder: Path | None = None, name: str = "requirements.yaml") -> list[Requirement]:
    """All requirements in the order of their file; ValueError for a bad or repeated number."""
    path = (folder or data_folder("requirements")) / name
    rows = cast(list[dict[str, Any]], yaml.load(path.read_text(), Loader=yaml.CSafeLoader))
    found: dict[str, Requirement] = {}
    for row in rows:
        if not _ID.match(row["id"]) or row["id"] in found:
            raise ValueError(f"{path.name}: bad or repeated number {row['id']}")
        found[row["id"]] = Requirement(row["id"], row["text"], row["source"])
    return list(found.values())


def check_numbers(cases: list[Case], requirements: list[Requirement]) -> None:
    """BadCases when a case claims to prove a requirement that does not exist."""
    known = {requirement.id for requirement in requirements}
    lines = [f"{case.id}: no requirement {number}" for case in cases for number in case.proves if number not in known]
    if lines:
        raise BadCases(lines)


def uncovered(cases: list[Case], requirements: list[Requirement]) -> list[Requirement]:
    """Requirements that no case proves."""
    proved = {number for case in cases for number in case.proves}
    return [requirement for requirement in requirements if requirement.id not in proved]
