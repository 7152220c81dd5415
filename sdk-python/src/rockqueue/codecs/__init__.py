"""Payload codecs beside JSON: with one of them, handlers get their arguments as they are annotated.

    client = Client(codec=PydanticCodec())     # pip install "rockqueue[pydantic]"
    client = Client(codec=MsgspecCodec())      # pip install "rockqueue[msgspec]"

Both write JSON, so that other languages can read it. A codec of your own is a `rockqueue.PayloadCodec`, or, with a
`decoder` as well, a `rockqueue.TypedCodec`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rockqueue.codecs._msgspec import MsgspecCodec as MsgspecCodec
    from rockqueue.codecs._pydantic import PydanticCodec as PydanticCodec

__all__ = ["MsgspecCodec", "PydanticCodec"]

_HOME = {"MsgspecCodec": ("_msgspec", "msgspec"), "PydanticCodec": ("_pydantic", "pydantic")}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rockqueue.codecs' has no attribute {name!r}")
    module, extra = _HOME[name]
    try:
        value = getattr(importlib.import_module(f"rockqueue.codecs.{module}"), name)
    except ModuleNotFoundError as cause:
        raise ImportError(f'{name} needs {cause.name}: pip install "rockqueue[{extra}]"', name=cause.name) from cause
    globals()[name] = value
    return value
