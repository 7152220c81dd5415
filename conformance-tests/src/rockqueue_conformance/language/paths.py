"""Paths into plain data: `jobs[0].spec.queue`, `jobs[-1]`, and `jobs[*].id` for all of a list."""

from __future__ import annotations

import re
from typing import Any, cast

_PART = re.compile(r"([A-Za-z_$][A-Za-z0-9_$-]*)|\[(-?\d+|\*)\]|\.")


class NoSuchPath(Exception):
    """The data has nothing at that path."""


def get_path(data: Any, path: str) -> Any:
    """What stands at the path; NoSuchPath when nothing does. `[*]` gives what stands at the rest for each entry."""
    return _get(data, _parts(path), path)


def set_path(data: Any, path: str, value: Any) -> None:
    """Puts a value at the path, making mappings on the way; `<remove>` as the value takes the field away."""
    *front, last = _parts(path)
    here = data
    for part in front:
        here = here[part] if isinstance(part, int) else here.setdefault(part, {})
    if value == "<remove>":
        here.pop(last, None)
    else:
        here[last] = value


def _parts(path: str) -> list[str | int]:
    parts: list[str | int] = []
    end = 0
    for found in _PART.finditer(path):
        if found.start() != end:
            break
        end = found.end()
        name, index = found.groups()
        if name is not None:
            parts.append(name)
        elif index is not None:
            parts.append("*" if index == "*" else int(index))
    if end != len(path) or not parts:
        raise ValueError(f"not a path: {path!r}")
    return parts


def _get(data: Any, parts: list[str | int], path: str) -> Any:
    here = data
    for position, part in enumerate(parts):
        if part == "*":
            if not isinstance(here, list):
                raise NoSuchPath(f"{path}: no list before [*]")
            return [_get(item, parts[position + 1 :], path) if parts[position + 1 :] else item for item in _items(here)]
        if isinstance(part, int):
            if not isinstance(here, list) or not -len(_items(here)) <= part < len(_items(here)):
                raise NoSuchPath(f"{path}: no entry [{part}]")
            here = _items(here)[part]
        else:
            if not isinstance(here, dict) or part not in here:
                raise NoSuchPath(f"{path}: no field {part!r}")
            here = cast(dict[str, Any], here)[part]
    return here


def _items(value: Any) -> list[Any]:
    return cast(list[Any], value)
