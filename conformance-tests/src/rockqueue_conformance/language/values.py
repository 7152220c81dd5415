"""Variables (`${job.id}`, `${now + 10s}`) and generated values (`{$bytes: 1048577}`) in the data of a case."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any, cast

from rockqueue_conformance.language.paths import NoSuchPath, get_path
from rockqueue_conformance.language.times import duration_text, moment_ns, moment_text, need_duration_ns

Scope = dict[str, Any]

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_SUM = re.compile(r"^(.*?)\s+([+-])\s+(\S+)$")


class UnknownVariable(Exception):
    """A case names a variable that no step before has set."""


def resolve(value: Any, scope: Scope) -> Any:
    """The value with variables and generators replaced. Matchers (`$any_of`, ...) stay, their insides resolved."""
    if isinstance(value, str):
        return _text(value, scope)
    if isinstance(value, list):
        return [resolve(item, scope) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        data = cast(dict[str, Any], value)
        if len(data) == 1:
            (key,) = data
            if key in GENERATORS:
                return GENERATORS[key](data[key], scope)
        return {str(resolve(key, scope)): resolve(item, scope) for key, item in data.items()}
    return value


def _text(text: str, scope: Scope) -> Any:
    whole = _REFERENCE.fullmatch(text)
    if whole is not None:
        return _lookup(whole.group(1), scope)
    return _REFERENCE.sub(lambda found: str(_lookup(found.group(1), scope)), text)


def _lookup(expression: str, scope: Scope) -> Any:
    moved = _SUM.match(expression)
    path = moved.group(1) if moved else expression
    try:
        value = get_path(scope, path)
    except NoSuchPath as error:
        raise UnknownVariable(f"${{{expression}}}: {error}; set are {', '.join(sorted(scope))}") from None
    if moved is None:
        return value
    return _move(value, moved.group(2), moved.group(3), expression)


def _move(value: Any, sign: str, amount: str, expression: str) -> Any:
    if isinstance(value, int):
        return value + int(amount) if sign == "+" else value - int(amount)
    start_ns = moment_ns(str(value))
    if start_ns is None:
        raise ValueError(f"${{{expression}}}: {value!r} is neither a time nor a number")
    span_ns = need_duration_ns(amount)
    return moment_text(start_ns + span_ns if sign == "+" else start_ns - span_ns)


def _bytes(wanted: Any, scope: Scope) -> str:
    return base64.b64encode(b"x" * int(resolve(wanted, scope))).decode()


def _utf8(wanted: Any, scope: Scope) -> str:
    return base64.b64encode(str(resolve(wanted, scope)).encode()).decode()


def _seconds(wanted: Any, scope: Scope) -> str:
    return duration_text(need_duration_ns(str(resolve(wanted, scope))))


def _chars(wanted: Any, scope: Scope) -> str:
    many = cast(dict[str, Any], wanted if isinstance(wanted, dict) else {"count": wanted, "char": "x"})
    return str(many["char"]) * int(resolve(many["count"], scope))


def _join(wanted: Any, scope: Scope) -> list[Any]:
    return [item for part in cast(list[Any], resolve(wanted, scope)) for item in cast(list[Any], part)]


def _rounds(wanted: dict[str, Any], scope: Scope) -> list[Scope]:
    return [{**scope, "i": index} for index in range(int(resolve(wanted["count"], scope)))]


def _list(wanted: Any, scope: Scope) -> list[Any]:
    return [resolve(wanted["item"], inner) for inner in _rounds(wanted, scope)]


def _map(wanted: Any, scope: Scope) -> dict[str, Any]:
    return {str(resolve(wanted["key"], inner)): resolve(wanted["value"], inner) for inner in _rounds(wanted, scope)}


GENERATORS: dict[str, Callable[[Any, Scope], Any]] = {
    "$bytes": _bytes,
    "$chars": _chars,
    "$join": _join,
    "$list": _list,
    "$map": _map,
    "$seconds": _seconds,
    "$utf8": _utf8,
}
"""Values that the runner makes, by their key: see the case language in the README."""
