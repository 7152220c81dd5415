"""Which handler works on which kind of job, and how it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from rockqueue._annotations import arguments_decoder, value_decoder
from rockqueue._errors import PayloadError
from rockqueue._jobs import JobDefinition, is_context
from rockqueue._payloads import JSON, PayloadCodec
from rockqueue._worker.context import JobContext

CONTEXT_AND_PAYLOAD = 2

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and the way from a payload to its arguments."""

    function: Callable[..., Any]
    is_async: bool
    arguments: Callable[[JobContext], Arguments]

    def prepare(self, context: JobContext) -> Arguments:
        """Decodes the payload. Raises PayloadError, whatever the codec raised."""
        try:
            return self.arguments(context)
        except PayloadError:
            raise
        except Exception as cause:
            raise PayloadError(f"the payload cannot be decoded: {cause}") from cause


def typed_handler(definition: JobDefinition[..., Any], codec: PayloadCodec = JSON) -> Handler:
    """The payload is spread over the parameters by name, as they are annotated where the codec understands types."""
    signature = definition.signature
    decode = arguments_decoder(codec, definition.handler, signature.names)

    def arguments(context: JobContext) -> Arguments:
        named = signature.arguments(context.payload)
        if decode is not None and named:
            named = {**named, **decode(context.payload_bytes, context.content_type)}
        return ((context,) if signature.takes_context else ()), named

    return Handler(definition.handler, inspect.iscoroutinefunction(definition.handler), arguments)


def plain_handler(function: Callable[..., Any], codec: PayloadCodec = JSON) -> Handler:
    """The payload is one argument: `handler(payload)` or `handler(ctx: JobContext, payload)`.

    A handler with two parameters takes the context first, annotated or not. Raises TypeError for other shapes.
    """
    parameters = list(inspect.signature(function).parameters.values())
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    required = [one for one in positional if one.default is one.empty]
    with_context = len(required) == CONTEXT_AND_PAYLOAD or (bool(positional) and is_context(function, positional[0]))
    if len(required) > CONTEXT_AND_PAYLOAD or not positional:
        raise TypeError(f"a handler takes (payload) or (ctx, payload); {function!r} does not")
    context_alone = with_context and len(positional) == 1
    decode = None if context_alone else value_decoder(codec, function, positional[int(with_context)].name)

    def arguments(context: JobContext) -> Arguments:
        if context_alone:
            return (context,), {}
        payload = context.payload if decode is None else decode(context.payload_bytes, context.content_type)
        return ((context, payload) if with_context else (payload,)), {}

    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
    return Handler(function, is_async, arguments)


def build_handlers(
    jobs: Sequence[JobDefinition[..., Any]], handlers: Mapping[str, Callable[..., Any]], codec: PayloadCodec = JSON
) -> dict[str, Handler]:
    """The handlers by name of job. Raises ValueError for a name that is there twice, or when there are none."""
    found: dict[str, Handler] = {}
    for definition in jobs:
        if definition.name in found:
            raise ValueError(f"two jobs are called {definition.name!r}; give one of them another name")
        found[definition.name] = typed_handler(definition, codec)
    for name, function in handlers.items():
        if name in found:
            raise ValueError(f"two handlers for jobs called {name!r}")
        if isinstance(function, JobDefinition):
            found[name] = typed_handler(cast("JobDefinition[..., Any]", function), codec)
        else:
            found[name] = plain_handler(function, codec)
    if not found:
        raise ValueError("a worker needs jobs=[...] or handlers={...}")
    return found
