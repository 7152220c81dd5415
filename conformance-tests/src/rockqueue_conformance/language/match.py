"""Matching: does what came fit what a case expects? Subset by default, matchers where a case says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from rockqueue_conformance.language.paths import NoSuchPath, get_path
from rockqueue_conformance.language.times import duration_ns, moment_ns, need_duration_ns

MISSING: Any = object()
"""Stands for a field that is not there."""


_MOST_SHOWN = 600


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where what came does not fit."""

    path: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"at {self.path or 'the top'}: expected {self.expected}, got {self.got}"


def match(expected: Any, got: Any, path: str = "") -> list[Mismatch]:
    """Every mismatch; none means it fits. Mappings match as subsets, lists entry by entry, null means absent."""
    if expected is None:
        return [] if got is MISSING else [_miss(path, "nothing", got)]
    if isinstance(expected, dict):
        return _match_mapping(cast(dict[str, Any], expected), got, path)
    if isinstance(expected, list):
        return _match_list(cast(list[Any], expected), got, path)
    return [] if _same(expected, got) else [_miss(path, _show(expected), got)]


def fits(expected: Any, got: Any) -> bool:
    """True when nothing mismatches."""
    return not match(expected, got)


def _match_mapping(expected: dict[str, Any], got: Any, path: str) -> list[Mismatch]:
    if len(expected) == 1:
        (key,) = expected
        if key in MATCHERS:
            return MATCHERS[key](expected[key], got, path)
    if not isinstance(got, dict):
        return [_miss(path, "a message", got)]
    data = cast(dict[str, Any], got)
    return [
        mismatch
        for key, item in expected.items()
        for mismatch in match(item, data.get(key, MISSING), f"{path}.{key}" if path else key)
    ]


def _match_list(expected: list[Any], got: Any, path: str) -> list[Mismatch]:
    if not isinstance(got, list):
        return [_miss(path, f"a list of {len(expected)}", got)]
    items = cast(list[Any], got)
    found: list[Mismatch] = []
    if len(items) != len(expected):
        found.append(Mismatch(path, f"{len(expected)} entries", f"{len(items)} entries: {_show(items)}"))
    for index, (wanted, item) in enumerate(zip(expected, items, strict=False)):
        found.extend(match(wanted, item, f"{path}[{index}]"))
    return found


def _same(expected: Any, got: Any) -> bool:
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int | float):
        number = _number(got)
        return number is not None and number == expected
    if isinstance(expected, str) and isinstance(got, str) and expected != got:
        left, right = _ordered(expected), _ordered(got)
        return left is not None and left == right and left[0] != "text"
    return expected == got


def _number(value: Any) -> int | float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    return None


def _ordered(value: Any) -> tuple[str, Any] | None:
    """The value in a form that has an order: a number, a duration, a moment, or text."""
    number = _number(value)
    if number is not None:
        return ("number", number)
    if not isinstance(value, str):
        return None
    span, moment = duration_ns(value), moment_ns(value)
    if span is not None:
        return ("duration", span)
    if moment is not None:
        return ("moment", moment)
    return ("text", value)


def _show(value: Any) -> str:
    text = "nothing" if value is MISSING else repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:300]} ... {text[-200:]} ({len(text)} characters)"


def _miss(path: str, expected: str, got: Any) -> Mismatch:
    return Mismatch(path, expected, _show(got))


def _compare(word: str, good: Callable[[Any, Any], bool]) -> Callable[[Any, Any, str], list[Mismatch]]:
    def matcher(expected: Any, got: Any, path: str) -> list[Mismatch]:
        left, right = _ordered(expected), None if got is MISSING else _ordered(got)
        if left is not None and right is not None and left[0] == right[0] and good(right[1], left[1]):
            return []
        return [_miss(path, f"{word} {_show(expected)}", got)]

    return matcher


def _any_of(expected: Any, got: Any, path: str) -> list[Mismatch]:
    if any(fits(choice, got) for choice in cast(list[Any], expected)):
        return []
    return [_miss(path, f"one of {_show(expected)}", got)]


def _all_of(expected: Any, got: Any, path: str) -> list[Mismatch]:
    return [mismatch for part in cast(list[Any], expected) for mismatch in match(part, got, path)]


def _not(expected: Any, got: Any, path: str) -> list[Mismatch]:
    return [] if match(expected, got) else [_miss(path, f"anything but {_show(expected)}", got)]


def _absent(expected: Any, got: Any, path: str) -> list[Mismatch]:
    wanted = bool(expected)
    return [] if (got is MISSING) == wanted else [_miss(path, "nothing" if wanted else "something", got)]


def _exact(expected: Any, got: Any, path: str) -> list[Mismatch]:
    return [] if expected == got else [_miss(path, f"exactly {_show(expected)}", got)]


def _matches(expected: Any, got: Any, path: str) -> list[Mismatch]:
    if isinstance(got, str) and re.search(str(expected), got):
        return []
    return [_miss(path, f"text that matches {expected}", got)]


def _len(expected: Any, got: Any, path: str) -> list[Mismatch]:
    if not isinstance(got, list | dict | str):
        return [_miss(path, f"a length of {expected}", got)]
    return match(expected, len(cast(list[Any], got)), f"{path}.length")


def _of_list(matcher: Callable[[Any, list[Any], str], list[Mismatch]]) -> Callable[[Any, Any, str], list[Mismatch]]:
    def checked(expected: Any, got: Any, path: str) -> list[Mismatch]:
        if not isinstance(got, list):
            return [_miss(path, "a list", got)]
        return matcher(expected, cast(list[Any], got), path)

    return checked


@_of_list
def _each(expected: Any, got: list[Any], path: str) -> list[Mismatch]:
    return [mismatch for index, item in enumerate(got) for mismatch in match(expected, item, f"{path}[{index}]")]


@_of_list
def _contains(expected: Any, got: list[Any], path: str) -> list[Mismatch]:
    return [
        _miss(path, f"an entry like {_show(wanted)}", got)
        for wanted in cast(list[Any], expected)
        if not any(fits(wanted, item) for item in got)
    ]


@_of_list
def _unordered(expected: Any, got: list[Any], path: str) -> list[Mismatch]:
    left = list(got)
    found: list[Mismatch] = []
    for wanted in cast(list[Any], expected):
        index = next((index for index, item in enumerate(left) if fits(wanted, item)), None)
        if index is None:
            found.append(_miss(path, f"an entry like {_show(wanted)}", left))
        else:
            left.pop(index)
    if left:
        found.append(_miss(path, "no more entries", left))
    return found


@_of_list
def _distinct(expected: Any, got: list[Any], path: str) -> list[Mismatch]:
    kinds = {repr(item) for item in got}
    wanted = len(got) if expected is True else expected
    return match(wanted, len(kinds), f"{path}.distinct")


@_of_list
def _sorted(expected: Any, got: list[Any], path: str) -> list[Mismatch]:
    keys = [_ordered(item) for item in got]
    wanted = sorted(keys, key=repr if None in keys else None, reverse=expected == "descending")  # type: ignore[arg-type]
    return [] if keys == wanted else [_miss(path, f"{expected} order", got)]


@_of_list
def _count(expected: Any, got: list[Any], path: str) -> list[Mismatch]:
    rule = cast(dict[str, Any], expected)
    number = sum(fits(rule["where"], item) for item in got)
    return match(rule["is"], number, f"{path}.count({_show(rule['where'])})")


def _path(expected: Any, got: Any, path: str) -> list[Mismatch]:
    found: list[Mismatch] = []
    for inner, wanted in cast(dict[str, Any], expected).items():
        try:
            value = get_path(got, inner)
        except NoSuchPath:
            value = MISSING
        found.extend(match(wanted, value, f"{path}.{inner}" if path else inner))
    return found


def _near(expected: Any, got: Any, path: str) -> list[Mismatch]:
    rule = cast(dict[str, Any], expected)
    left, right = _ordered(rule["value"]), None if got is MISSING else _ordered(got)
    span_ns = need_duration_ns(str(rule["within"]))
    if left is not None and right is not None and left[0] == right[0] and abs(left[1] - right[1]) <= span_ns:
        return []
    return [_miss(path, f"{rule['value']} give or take {rule['within']}", got)]


MATCHERS: dict[str, Callable[[Any, Any, str], list[Mismatch]]] = {
    "$absent": _absent,
    "$all_of": _all_of,
    "$any_of": _any_of,
    "$at_least": _compare("at least", lambda got, limit: got >= limit),
    "$at_most": _compare("at most", lambda got, limit: got <= limit),
    "$above": _compare("above", lambda got, limit: got > limit),
    "$below": _compare("below", lambda got, limit: got < limit),
    "$contains": _contains,
    "$count": _count,
    "$distinct": _distinct,
    "$each": _each,
    "$exact": _exact,
    "$len": _len,
    "$matches": _matches,
    "$near": _near,
    "$not": _not,
    "$path": _path,
    "$sorted": _sorted,
    "$unordered": _unordered,
}
"""Every matcher of the case language by its key."""
