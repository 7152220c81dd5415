"""Reading the case files: schema, field names, and no two cases alike. All that is wrong is reported at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from rockqueue_conformance.folders import data_folder
from rockqueue_conformance.language.cells import Cell, read_cells
from rockqueue_conformance.language.fields import unknown_fields
from rockqueue_conformance.language.model import Case, Step, derived_needs, flat, step_from_data
from rockqueue_conformance.steps.registry import KINDS
from rockqueue_conformance.wire.methods import METHODS

_SCHEMA = Path(__file__).with_name("case.schema.json")
_OF_JOB: Any = METHODS["JobService.GetJob"].response_descriptor.fields_by_name["job"].message_type
_OF_QUEUE: Any = METHODS["QueueService.GetQueue"].response_descriptor.fields_by_name["queue"].message_type
_MOST_SHOWN = 300


class BadCases(Exception):
    """Case files that cannot be run; `problems` holds a line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Suite:
    """All cases, and the table of errors."""

    def __init__(self, cases: list[Case], cells: list[Cell]) -> None:
        self.cases = cases
        self.cells = cells


def load_suite(folder: Path | None = None) -> Suite:
    """The cases of every `*.yaml` file of the folder; BadCases with all problems of all files."""
    problems: list[str] = []
    cases: list[Case] = []
    cells: list[Cell] = []
    validator: Any = Draft202012Validator(json.loads(_SCHEMA.read_text()))
    for path in sorted((folder or data_folder("cases")).glob("*.yaml")):
        data = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        errors = sorted(validator.iter_errors(data), key=lambda error: list(error.absolute_path).__repr__())
        problems += [f"{path.name}: {where(error)}: {_shorten(error.message)}" for error in errors]
        if errors:
            continue
        if "cells" in data:
            found = read_cells(data, KINDS)
            cells += found
            cases += [cell.case for cell in found if cell.case is not None]
        else:
            cases += [_case(data["area"], one) for one in data["cases"]]
    problems += _problems(cases, cells)
    if problems:
        raise BadCases(problems)
    return Suite(cases, cells)


def _case(area: str, data: dict[str, Any]) -> Case:
    steps = tuple(step_from_data(one, KINDS) for one in data["steps"])
    return Case(
        area=area,
        name=data["name"],
        doc=data["doc"],
        proves=tuple(data["proves"]),
        steps=steps,
        deliveries=tuple(data.get("delivery", ())),
        pushes=tuple(data.get("push", ())),
        crashable=data.get("crashable", False),
        needs=frozenset(data.get("needs", ())) | derived_needs(steps),
        fresh=data.get("fresh", False),
        server_args=tuple(data.get("server_args", ())),
    )


def _problems(cases: list[Case], cells: list[Cell]) -> list[str]:
    problems: list[str] = []
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            problems.append(f"{case.id}: there are two cases of this name")
        seen.add(case.id)
        for step in flat(case.steps):
            problems += [f"{case.id}: {step}: {name}" for name in _bad_fields(step)]
        if not case.deliveries and any(step.kind in ("take", "settle", "work") for step in flat(case.steps)):
            problems.append(f"{case.id}: it takes or settles jobs, so it must say `delivery`")
    problems += [
        f"the cell {cell.rpc} x {cell.reason} points to {cell.covered_by}, which does not exist"
        for cell in cells
        if cell.covered_by and cell.covered_by not in seen
    ]
    return problems


def _bad_fields(step: Step) -> list[str]:
    if step.kind in ("call", "rejects", "list_all"):
        target = METHODS.get(step.value)
        if target is None:
            return ["no such method"]
        found = unknown_fields(target.request_descriptor, step.options.get("request", {}))
        plain = step.kind == "call" and "times" not in step.options and "parallel" not in step.options
        return found + (unknown_fields(target.response_descriptor, step.options.get("expect")) if plain else [])
    if step.kind == "job":
        return unknown_fields(_OF_JOB, step.options.get("expect"))
    if step.kind == "queue":
        return unknown_fields(_OF_QUEUE, step.options.get("expect"))
    if step.kind == "send":
        return unknown_fields(METHODS["WorkService.Work"].request_descriptor, step.options.get("message"))
    return []


def where(error: Any) -> str:
    """The place of a schema error, as a path."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path) or "top"


def _shorten(message: str) -> str:
    return message if len(message) < _MOST_SHOWN else f"{message[:120]} ... {message[-170:]}"
