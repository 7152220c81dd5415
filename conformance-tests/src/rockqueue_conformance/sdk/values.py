"""Between the case language and the messages of the driver protocol: values, handlers, jobs, answers."""

from __future__ import annotations

import json
from typing import Any, cast

Data = dict[str, Any]

_LISTS = frozenset({"pushes", "jobs", "queues"})


def to_protocol(data: Any) -> Any:
    """`{value: X}` becomes JSON text, `{bytes: B}` raw bytes, and true an empty message where one stands for yes."""
    if isinstance(data, list):
        return [to_protocol(item) for item in cast(list[Any], data)]
    if not isinstance(data, dict):
        return data
    mapping = cast(Data, data)
    if len(mapping) == 1:
        ((key, inner),) = mapping.items()
        if key == "value":
            return {"json": json.dumps(inner, ensure_ascii=False)}
        if key == "bytes":
            return {"raw": inner}
    return {key: to_protocol(item) for key, item in mapping.items()}


def from_protocol(data: Any) -> Any:
    """The reverse: JSON text becomes `{value: X}`, raw bytes `{bytes: B}`."""
    if isinstance(data, list):
        return [from_protocol(item) for item in cast(list[Any], data)]
    if not isinstance(data, dict):
        return data
    mapping = cast(Data, data)
    if len(mapping) == 1:
        ((key, inner),) = mapping.items()
        if key == "json":
            return {"value": parse_json(inner)}
        if key == "raw":
            return {"bytes": inner}
    return {key: from_protocol(item) for key, item in mapping.items()}


def parse_json(text: str) -> Any:
    """The value of JSON text; the text itself, marked, when a driver wrote something else."""
    try:
        return json.loads(text)
    except ValueError:
        return {"not JSON": text}


def content(answer: Data) -> Any:
    """What an answer says: its one entry, and of a list message the list."""
    ((kind, inner),) = answer.items()
    found = from_protocol({kind: inner})
    if kind == "value":
        return from_protocol(inner)
    if kind == "document":
        return parse_json(cast(Data, inner)["json"])
    return found[kind].get(kind, []) if kind in _LISTS else found[kind]


def job(data: Data, queue: str) -> Data:
    """A job to push: to `${queue}` and called `task` unless it says so."""
    return cast(Data, to_protocol({"queue": queue, "name": "task", **data}))


def handlers(data: Data, queue: str, *, silent: bool) -> list[Data]:
    """`{name: [script, ...]}` as handlers; a script is one action or a list of them."""
    return [
        {
            "name": name,
            "silent": silent,
            "attempts": [{"actions": _actions(script, queue)} for script in cast(list[Any], scripts)],
        }
        for name, scripts in data.items()
    ]


def _actions(script: Any, queue: str) -> list[Data]:
    single = cast(list[Data], script if isinstance(script, list) else [script])
    return [_action(one, queue) for one in single]


def _action(data: Data, queue: str) -> Data:
    ((kind, inner),) = data.items()
    if kind == "follow_up":
        return {kind: job(inner, queue)}
    return {kind: {} if inner is True else to_protocol(inner)}


def error_matcher(wanted: Any) -> Data:
    """`JOB_NOT_FOUND` is a reason, `JobNotFound` a kind; a mapping speaks of the whole error."""
    if isinstance(wanted, dict):
        return cast(Data, wanted)
    word = str(wanted)
    return {"reason": word} if word.isupper() else {"kinds": {"$contains": [word]}}
