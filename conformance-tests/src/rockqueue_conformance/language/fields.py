"""Are the field names in a case those of the contract? A misspelt field must not make a case prove nothing."""

from __future__ import annotations

from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from rockqueue_conformance.language.match import MATCHERS
from rockqueue_conformance.language.values import GENERATORS

_ON_THE_SAME = frozenset({"$any_of", "$all_of", "$not", "$exact", "$each", "$contains", "$unordered", "$join"})
_INSIDE = {"$list": "item", "$count": "where"}
_SCALAR_LIKE = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration"})


def unknown_fields(descriptor: Descriptor, data: Any, path: str = "") -> list[str]:
    """Paths in requests or matchers that name no field of the message."""
    if isinstance(data, list):
        return [name for item in cast(list[Any], data) for name in unknown_fields(descriptor, item, path)]
    if not isinstance(data, dict):
        return []
    mapping = cast(dict[str, Any], data)
    if len(mapping) == 1 and next(iter(mapping)).startswith("$"):
        return _special(descriptor, mapping, path)
    found: list[str] = []
    for name, item in mapping.items():
        field = descriptor.fields_by_name.get(name)
        here = f"{path}.{name}" if path else name
        if field is None:
            found.append(f"{here} (no such field in {descriptor.full_name})")
        elif (inner_type := _message_of(field)) is not None:
            found.extend(unknown_fields(inner_type, item, here))
        else:
            found.extend(_unknown_words(item, here))
    return found


def _unknown_words(value: Any, path: str) -> list[str]:
    """Matchers and generators that do not exist, in what is expected of a field that holds no message."""
    if not isinstance(value, dict):
        return []
    mapping = cast(dict[str, Any], value)
    words = [key for key in mapping if key.startswith("$") and key not in MATCHERS and key not in GENERATORS]
    return [f"{path}.{word} (no such matcher or generator)" for word in words]


def _special(descriptor: Descriptor, mapping: dict[str, Any], path: str) -> list[str]:
    """The same for a matcher or a generator, whose inside may speak of the message too."""
    ((key, inner),) = mapping.items()
    if key in _ON_THE_SAME:
        return unknown_fields(descriptor, inner, path)
    if key in _INSIDE:
        return unknown_fields(descriptor, inner[_INSIDE[key]], path)
    return [] if key in MATCHERS or key in GENERATORS else [f"{path}.{key} (no such matcher or generator)"]


def _message_of(field: FieldDescriptor) -> Descriptor | None:
    inner: Any = field.message_type
    if inner is None or inner.full_name in _SCALAR_LIKE or inner.GetOptions().map_entry:
        return None
    return inner
