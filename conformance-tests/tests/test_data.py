"""The data of the suite: it is whole, it covers the contract, and the vectors are right."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rockqueue_conformance.defects import load_defects
from rockqueue_conformance.folders import data_folder
from rockqueue_conformance.language.load import Suite, load_suite
from rockqueue_conformance.language.times import duration_ns
from rockqueue_conformance.prove_fields import load_excuses, unknown_excuses
from rockqueue_conformance.requirements import check_numbers, load_requirements, uncovered
from rockqueue_conformance.wire.errors import CODE_OF_REASON
from rockqueue_conformance.wire.methods import METHODS

_PROTO = Path(__file__).parents[2] / "proto" / "rockqueue" / "v1"
_NOT_FOR_SERVERS = {"Capabilities.testing"}


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite()


def test_there_are_enough_cases(suite: Suite) -> None:
    assert len([case for case in suite.cases if case.area != "errors"]) >= 200


def test_every_requirement_has_a_case_and_every_case_a_requirement(suite: Suite) -> None:
    requirements = load_requirements()
    check_numbers(suite.cases, requirements)
    assert [one.id for one in uncovered(suite.cases, requirements)] == []


def test_every_defect_has_its_cases(suite: Suite) -> None:
    assert len(load_defects(suite.cases)) >= 20


def test_every_excuse_is_for_a_field_of_the_contract() -> None:
    assert unknown_excuses(load_excuses()) == []


def test_every_requirement_names_its_source() -> None:
    names = {path.name for path in _PROTO.glob("*.proto")} | {"testing/v1/store_service.proto"}
    assert [one.id for one in load_requirements() if one.source.split()[0] not in names] == []


def rpcs_and_reasons() -> list[tuple[str, str]]:
    """What the comments of the contract list behind `Errors:` for each RPC."""
    found: list[tuple[str, str]] = []
    for path in sorted(_PROTO.glob("*_service.proto")):
        service, comment = "", ""
        for line in path.read_text().splitlines():
            text = line.strip()
            if text.startswith("service "):
                service = text.split()[1]
            if text.startswith("//"):
                comment += text[2:] + " "
                continue
            if text.startswith("rpc "):
                name = re.split(r"[ (]", text)[1]
                reasons = re.findall(r"[A-Z]{2,}(?:_[A-Z]+)+|\bOVERLOADED\b", comment[_start_of_errors(comment) :])
                found += [(f"{service}.{name}", one) for one in dict.fromkeys(reasons) if one in CODE_OF_REASON]
            comment = ""
    return found


def _start_of_errors(comment: str) -> int:
    places = [comment.find(mark) for mark in ("Errors", "Ends with:", "Entries that") if mark in comment]
    return min(places, default=len(comment))


def test_the_table_of_errors_has_every_cell(suite: Suite) -> None:
    cells = {(cell.rpc, cell.reason) for cell in suite.cells}
    named = rpcs_and_reasons()
    assert len(named) > 60
    assert [one for one in named if one not in cells] == []


def test_reasons_are_those_of_the_contract() -> None:
    names = set(re.findall(r"ERROR_REASON_([A-Z_]+) = [1-9]", (_PROTO / "error_reason.proto").read_text()))
    assert set(CODE_OF_REASON) == names


def test_every_field_and_value_of_the_contract_stands_in_a_case() -> None:
    text = "\n".join(path.read_text() for path in data_folder("cases").glob("*.yaml"))
    missing: set[str] = set()
    seen: set[str] = set()

    def walk(message: Any) -> None:
        if message.full_name in seen or not message.full_name.startswith("rockqueue.v1"):
            return
        seen.add(message.full_name)
        for field in message.fields:
            if not re.search(rf"(?<![a-z_]){field.name}(?![a-z_])", text):
                missing.add(f"{message.name}.{field.name}")
            if field.enum_type:
                values = [value.name for value in field.enum_type.values if value.number]
                missing.update(value for value in values if value not in text)
            if field.message_type:
                walk(field.message_type)

    for method in METHODS.values():
        walk(method.request_descriptor)
        walk(method.response_descriptor)
    assert missing == _NOT_FOR_SERVERS


def vectors(name: str) -> list[dict[str, Any]]:
    folder = data_folder("vectors")
    data = json.loads((folder / f"{name}.json").read_text())
    validator: Any = Draft202012Validator(json.loads((folder / f"{name}.schema.json").read_text()))
    validator.validate(data)
    return data["vectors"]


@pytest.mark.parametrize("vector", vectors("backoff"), ids=lambda vector: vector["name"])
def test_backoff_vectors_say_what_the_contract_says(vector: dict[str, Any]) -> None:
    base, most = Fraction(duration_ns(vector["base"]) or 0), Fraction(duration_ns(vector["max_delay"]) or 0)
    failures, jitter = vector["failures"], Fraction(str(vector["jitter"]))
    kind = vector["kind"].removeprefix("BACKOFF_KIND_")
    growth = {"FIXED": 1, "LINEAR": failures, "EXPONENTIAL": 2 ** (failures - 1)}[kind]
    pause = min(base * growth, most)
    assert duration_ns(vector["lowest"]) == pause * (1 - jitter)
    assert duration_ns(vector["highest"]) == pause * (1 + jitter)
