"""Reading the SDK cases: schema, commands and fields of the driver protocol, field names of the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import yaml
from google.protobuf.descriptor import Descriptor
from jsonschema import Draft202012Validator

from rockqueue_conformance.folders import data_folder
from rockqueue_conformance.language.fields import unknown_fields
from rockqueue_conformance.language.load import BadCases, where
from rockqueue_conformance.language.model import Case, Step, derived_needs, flat, step_from_data
from rockqueue_conformance.protocol import driver_pb2 as pb
from rockqueue_conformance.sdk.steps.registry import SDK_KINDS
from rockqueue_conformance.wire.methods import METHODS

Data = dict[str, Any]

_SCHEMA = Path(__file__).parents[1] / "language" / "sdk_case.schema.json"
_SHORT = {method.name.partition(".")[2]: method for method in METHODS.values()}
_COMMANDS: dict[str, Descriptor] = {
    field.name: cast(Descriptor, field.message_type) for field in pb.Command.DESCRIPTOR.fields if field.message_type
}
_ASKED = set(_SHORT) | {"VerifyWebhook"}
_BY_RUNNER = frozenset({"clock", "process"})


def load_sdk_cases(folder: Path | None = None) -> list[Case]:
    """The cases of every file of `cases/sdk`; BadCases with all problems of all files."""
    problems: list[str] = []
    cases: list[Case] = []
    validator: Any = Draft202012Validator(json.loads(_SCHEMA.read_text()))
    for path in sorted((folder or data_folder("cases") / "sdk").glob("*.yaml")):
        data = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        problems += [f"{path.name}: {place}: a key that is no text; put it in quotes" for place in _odd_keys(data)]
        errors = [_closest(error) for error in validator.iter_errors(data)]
        problems += [f"{path.name}: {where(error)}: {error.message[:300]}" for error in errors]
        if not errors:
            cases += [_case(data["area"], one) for one in data["cases"]]
    if problems:
        raise BadCases(problems)
    problems = _problems(cases)
    if problems:
        raise BadCases(problems)
    return cases


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


def _case(area: str, data: Data) -> Case:
    steps = tuple(step_from_data(one, SDK_KINDS) for one in data["steps"])
    return Case(
        area=area,
        name=data["name"],
        doc=data["doc"],
        proves=tuple(data["proves"]),
        steps=steps,
        needs=frozenset(data.get("needs", ())) | (derived_needs(steps) - _BY_RUNNER),
        fresh=data.get("fresh", False),
        server_args=tuple(data.get("server_args", ())),
        roles=tuple(data.get("roles", ())),
    )


def _problems(cases: list[Case]) -> list[str]:
    problems: list[str] = []
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            problems.append(f"{case.id}: there are two cases of this name")
        seen.add(case.id)
        for step in flat(case.steps):
            problems += [f"{case.id}: {step}: {name}" for name in _bad_fields(step)]
            if "by" in step.options and step.options["by"] not in case.roles:
                problems.append(f"{case.id}: {step}: the case has no role {step.options['by']!r}")
    return problems


def _bad_fields(step: Step) -> list[str]:
    if step.kind == "script":
        return [problem for rule in cast(list[Data], step.value) for problem in _bad_rule(rule)]
    if step.kind == "wire" and step.value not in ("Work", "*") and step.value not in _SHORT:
        return ["no such method"]
    if step.kind == "sdk" and step.value not in _COMMANDS:
        return ["no such command of the driver protocol"]
    if step.kind == "ask" and step.value not in _ASKED:
        return ["no such RPC"]
    found = _speaks_of(step)
    return unknown_fields(found[0], _plain(found[1])) if found is not None else []


def _speaks_of(step: Step) -> tuple[Descriptor, Any] | None:
    """The message that a part of the step describes, and that part."""
    if step.kind == "sdk":
        return _COMMANDS[step.value], step.options.get("with", {})
    messages: dict[str, tuple[Descriptor, Any]] = {
        "new_client": (_COMMANDS["open_client"], step.options.get("with", {})),
        "refused_events": (_COMMANDS["open_events"], step.value),
        "push": (_described(pb.NewJob), step.value if not isinstance(step.value, str) else {}),
        "push_many": (_described(pb.NewJob), step.value if not isinstance(step.value, str) else {}),
        "get": (_described(pb.Job), step.options.get("expect")),
        "wait": (_described(pb.Job), step.options.get("expect")),
        "observe": (_described(pb.Observation), step.value),
    }
    return messages.get(step.kind)


def _described(message: Any) -> Descriptor:
    return cast(Descriptor, message.DESCRIPTOR)


def _bad_rule(rule: Data) -> list[str]:
    method = _SHORT.get(rule["call"])
    if method is None:
        return [f"no method {rule['call']!r}"]
    return unknown_fields(method.response_descriptor, rule.get("answer", {}))


def _plain(data: Any) -> Any:
    """Without the insides of values, which are no messages."""
    if isinstance(data, list):
        return [_plain(item) for item in cast(list[Any], data)]
    if isinstance(data, dict):
        mapping = cast(Data, data)
        if len(mapping) == 1 and next(iter(mapping)) in ("value", "bytes"):
            return {}
        return {key: _plain(item) for key, item in mapping.items()}
    return data
