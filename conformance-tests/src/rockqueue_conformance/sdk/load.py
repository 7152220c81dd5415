"""Reading the SDK cases: schema, commands and fields of the driver protocol, field names of the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from google.protobuf.descriptor import Descriptor

from rockqueue_conformance.folders import data_folder
from rockqueue_conformance.language.fields import unknown_fields
from rockqueue_conformance.language.load import BadCases, cases_of, problems_of, read_files
from rockqueue_conformance.language.model import Case, Step, flat
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
    files, problems = read_files(folder or data_folder("cases") / "sdk", _SCHEMA)
    cases = [case for data in files for case in cases_of(data, SDK_KINDS, _BY_RUNNER)]
    problems += problems_of(cases, _bad_fields)
    problems += [
        f"{case.id}: {step}: the case has no role {step.options['by']!r}"
        for case in cases
        for step in flat(case.steps)
        if "by" in step.options and step.options["by"] not in case.roles
    ]
    if problems:
        raise BadCases(problems)
    return cases


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
