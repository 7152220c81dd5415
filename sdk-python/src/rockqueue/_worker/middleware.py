"""Handlers with their middleware around them."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

from rockqueue._middleware import Middleware, NextHandle, overrides
from rockqueue._worker.context import JobContext
from rockqueue._worker.handlers import Arguments, Handler


def with_middleware(
    handlers: dict[str, Handler], middleware: Sequence[Middleware], executor: Callable[[], Executor]
) -> dict[str, Handler]:
    """The handlers, each inside the middleware; as they are when there is none for handlers."""
    chosen = [one for one in middleware if overrides(one, "handle")]
    return {name: _wrapped(handler, chosen, executor) for name, handler in handlers.items()} if chosen else handlers


def _wrapped(handler: Handler, middleware: Sequence[Middleware], executor: Callable[[], Executor]) -> Handler:
    async def run(context: JobContext, arguments: Arguments) -> Any:
        bound = partial(handler.function, *arguments[0], **arguments[1])
        call: NextHandle = bound if handler.is_async else partial(in_thread, executor(), bound)
        for one in reversed(middleware):
            call = partial(one.handle, context, call)
        return await call()

    def arguments(context: JobContext) -> Arguments:
        return (context, handler.arguments(context)), {}

    return Handler(run, is_async=True, arguments=arguments)


async def in_thread(executor: Executor, call: Callable[[], Any]) -> Any:
    """Runs a sync handler. Its thread cannot be interrupted, so a cancelled task waits for it all the same."""
    variables = contextvars.copy_context()
    future = asyncio.get_running_loop().run_in_executor(executor, variables.run, call)
    while not future.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([future])
    return future.result()
