"""What a handler's annotations say of its payload and its result, for codecs that understand types."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any

# Pydantic takes no other before Python 3.12.
from typing_extensions import TypedDict

from rockqueue._payloads import Decoder, PayloadCodec, TypedCodec


def hints_of(handler: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a handler as types. Raises TypeError when one of them is no type at run time."""
    annotated = handler if inspect.isroutine(handler) else type(handler).__call__
    try:
        return typing.get_type_hints(annotated, include_extras=True)
    except NameError as cause:
        name = getattr(handler, "__name__", repr(handler))
        raise TypeError(
            f"an annotation of {name} does not exist at run time: {cause}; "
            "import it outside of TYPE_CHECKING, and define it outside of functions"
        ) from cause


def arguments_decoder(codec: PayloadCodec, handler: Callable[..., Any], names: Iterable[str]) -> Decoder | None:
    """What decodes an object with these arguments by name; None when the codec or the handler knows no types."""
    if not isinstance(codec, TypedCodec):
        return None
    hints = hints_of(handler)
    types = {name: hints[name] for name in names if _says_something(hints.get(name))}
    # Whether all that are required are there is the signature's business.
    return codec.decoder(TypedDict("Arguments", types, total=False)) if types else None  # type: ignore[operator]


def value_decoder(codec: PayloadCodec, handler: Callable[..., Any], name: str) -> Decoder | None:
    """The same for one parameter that is the whole payload, or for "return"."""
    if not isinstance(codec, TypedCodec):
        return None
    hints = hints_of(handler)
    return codec.decoder(hints[name]) if _says_something(hints.get(name)) else None


def _says_something(hint: Any) -> bool:
    return hint not in (None, Any, object)
