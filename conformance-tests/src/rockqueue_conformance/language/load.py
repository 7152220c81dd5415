"""Reading the case files: schema, field names, and no two cases alike. All that is wrong is reported at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator

from rockqueue_conformance.folders import data_folder
from rockqueue_conformance.language.cells import Cell, read_cells
from rockqueue_conformance.language.fields import unknown_fields
from rockqueue_conformance.language.model import Case, Step, derived_needs, flat, step_from_data
from rockqueue_conformance.steps.registry import KINDS
from rockqueue_conformance.wire.methods import METHODS

Data = dict[str, Any]

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
    files, problems = read_files(folder or data_folder("cases"), _SCHEMA)
    cases: list[Case] = []
    cells: list[Cell] = []
    for data in files:
        if "cells" in data:
            found = read_cells(data, KINDS)
            cells += found
            cases += [cell.case for cell in found if cell.case is not None]
        else:
            cases += cases_of(data, KINDS)
    problems += problems_of(cases, _bad_fields) + _problems(cases, cells)
    if problems:
        raise BadCases(problems)
    return Suite(cases, cells)


def read_files(folder: Path, schema: Path) -> tuple[list[Data], list[str]]:
    """The data of the files that fit the schema, and what is wrong with the others."""
    files: list[Data] = []
    problems: list[str] = []
    validator: Any = Draft202012Validator(json.loads(schema.read_text()))
    for path in sorted(folder.glob("*.yaml")):
        data = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        found = [f"{place}: a key that is no text; put it in quotes" for place in _odd_keys(data)]
        errors = [_closest(error) for error in validator.iter_errors(data)]
        found += sorted(f"{_where(error)}: {_shorten(error.message)}" for error in errors)
        problems += [f"{path.name}: {problem}" for problem in found]
        if not found:
            files.append(data)
    return files, problems


def _odd_keys(data: Any, place: str = "") -> list[str]:
    """Places of keys like `on` and `off`, which YAML takes for true and false."""
    if isinstance(data, list):
        return [odd for i, item in enumerate(cast(list[Any], data)) for odd in _odd_keys(item, f"{place}[{i}]")]
    if not isinstance(data, dict):
        return []
    mapping = cast(dict[Any, Any], data)
    found = [f"{place}.{key}" for key in mapping if not isinstance(key, str)]
    return found + [odd for key, item in mapping.items() for odd in _odd_keys(item, f"{place}.{key}")]


def _closest(error: Any) -> Any:
    """Of a step that fits no kind, the error of the kind that it is meant to be."""
    kinds = [one.get("$ref", "").rpartition("step_")[2] for one in error.schema.get("oneOf", [])]
    for inner in error.context or ():
        index = inner.schema_path[0]
        if kinds and isinstance(index, int) and kinds[index] and kinds[index] in error.instance:
            return _closest(inner)
    return error


def cases_of(data: Data, kinds: frozenset[str], given: frozenset[str] = frozenset()) -> list[Case]:
    """The cases of a file; `given` is what every run can do, and no step needs to ask for."""
    return [_case(data["area"], one, kinds, given) for one in data["cases"]]


def _case(area: str, data: Data, kinds: frozenset[str], given: frozenset[str]) -> Case:
    steps = tuple(step_from_data(one, kinds) for one in data["steps"])
    return Case(
        area=area,
        name=data["name"],
        doc=data["doc"],
        proves=tuple(data["proves"]),
        steps=steps,
        deliveries=tuple(data.get("delivery", ())),
        pushes=tuple(data.get("push", ())),
        crashable=data.get("crashable", False),
        needs=frozenset(data.get("needs", ())) | (derived_needs(steps) - given),
        fresh=data.get("fresh", False),
        server_args=tuple(data.get("server_args", ())),
        roles=tuple(data.get("roles", ())),
    )


def problems_of(cases: Sequence[Case], bad_fields: Callable[[Step], list[str]]) -> list[str]:
    """Cases of the same name, and steps that speak of what the contract does not have."""
    problems: list[str] = []
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            problems.append(f"{case.id}: there are two cases of this name")
        seen.add(case.id)
        for step in flat(case.steps):
            problems += [f"{case.id}: {step}: {name}" for name in bad_fields(step)]
    return problems


def _problems(cases: list[Case], cells: list[Cell]) -> list[str]:
    names = {case.id for case in cases}
    return [
        f"{case.id}: it takes or settles jobs, so it must say `delivery`"
        for case in cases
        if not case.deliveries and any(step.kind in ("take", "settle", "work") for step in flat(case.steps))
    ] + [
        f"the cell {cell.rpc} x {cell.reason} points to {cell.covered_by}, which does not exist"
        for cell in cells
        if cell.covered_by and cell.covered_by not in names
    ]


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


def _where(error: Any) -> str:
    """The place of a schema error, as a path."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path) or "top"


def _shorten(message: str) -> str:
    return message if len(message) < _MOST_SHOWN else f"{message[:120]} ... {message[-170:]}"
