"""What stands around every push and every handler: tracing, metrics, defaults of a program's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Literal, cast

from rockqueue._models import PushedJob
from rockqueue._options import NewJob
from rockqueue._worker.context import JobContext

NextPush = Callable[[Sequence[NewJob]], Awaitable[list[PushedJob]]]
"""Goes on with a push, perhaps with other jobs than were given."""

NextPushSync = Callable[[Sequence[NewJob]], list[PushedJob]]
"""The same in a `SyncClient`."""

NextHandle = Callable[[], Awaitable[Any]]
"""Goes on with a handler."""


class Middleware:
    """What a program adds to its pushes and handlers: a class of your own overrides what it needs.

        class Timing(rockqueue.Middleware):
            async def handle(self, ctx, call_next):
                begun = time.monotonic()
                try:
                    return await call_next()
                finally:
                    print(ctx.name, time.monotonic() - begun)

        async with Client(middleware=[Timing()]) as client: ...

    The first of a list is the outermost. Each calls `call_next` once at most, and may raise instead. One object serves
    all tasks and threads at once. The follow-ups of a job are part of its completion and pass through no middleware.
    """

    async def push(self, jobs: Sequence[NewJob], call_next: NextPush) -> list[PushedJob]:
        """Around `Client.push` (one job) and `Client.push_many`: what became of the jobs, in their order."""
        return await call_next(jobs)

    def push_sync(self, jobs: Sequence[NewJob], call_next: NextPushSync) -> list[PushedJob]:
        """Around `SyncClient.push` and `SyncClient.push_many`, in the caller's thread."""
        return call_next(jobs)

    async def handle(self, ctx: JobContext, call_next: NextHandle) -> Any:
        """Around a handler, async or sync: its result, or raises what its job should end with.

        Runs on the worker's loop. A sync handler runs in its thread with the context variables set here. A payload that
        cannot be decoded ends the job before.
        """
        del ctx
        return await call_next()


PushHook = Literal["push", "push_sync"]


def for_client(middleware: Sequence[Middleware], hook: PushHook) -> tuple[Middleware, ...]:
    """The list of a client, which calls `hook`. Raises TypeError for what would be ignored."""
    other = "push" if hook == "push_sync" else "push_sync"
    for one in _instances(middleware):
        if overrides(one, other) and not overrides(one, hook):
            raise TypeError(f"{type(one).__name__} has {other}, but not {hook}, which is what this client calls")
    return tuple(middleware)


def for_worker(middleware: Sequence[Middleware]) -> tuple[Middleware, ...]:
    """The list of a worker, which calls `handle`. Raises TypeError for what would be ignored."""
    for one in _instances(middleware):
        if not overrides(one, "handle"):
            raise TypeError(
                f"{type(one).__name__} has no handle, which is all that a worker calls; give it to the client"
            )
    return tuple(middleware)


def _instances(middleware: Sequence[object]) -> list[Middleware]:
    for one in middleware:
        if not isinstance(one, Middleware):
            raise TypeError(f"a middleware is an instance of a rockqueue.Middleware, which {one!r} is not")
    return cast("list[Middleware]", list(middleware))


def overrides(middleware: Middleware, hook: Literal["push", "push_sync", "handle"]) -> bool:
    """True when the middleware does something there."""
    return getattr(type(middleware), hook) is not getattr(Middleware, hook)


def around_push(middleware: Sequence[Middleware], last: NextPush) -> NextPush | None:
    """The push middleware of a list around `last`; None when there is none."""
    chosen = [one for one in middleware if overrides(one, "push")]
    call = last
    for one in reversed(chosen):
        call = partial(_push, one, call)
    return call if chosen else None


def around_push_sync(middleware: Sequence[Middleware], last: NextPushSync) -> NextPushSync | None:
    """The same for a sync client."""
    chosen = [one for one in middleware if overrides(one, "push_sync")]
    call = last
    for one in reversed(chosen):
        call = partial(_push_sync, one, call)
    return call if chosen else None


async def _push(middleware: Middleware, call_next: NextPush, jobs: Sequence[NewJob]) -> list[PushedJob]:
    return await middleware.push(jobs, call_next)


def _push_sync(middleware: Middleware, call_next: NextPushSync, jobs: Sequence[NewJob]) -> list[PushedJob]:
    return middleware.push_sync(jobs, call_next)


def only(pushed: Sequence[PushedJob]) -> PushedJob:
    """What became of a single push."""
    if len(pushed) != 1:
        raise RuntimeError(
            f"a push middleware returned {len(pushed)} jobs for one push; return what call_next returned"
        )
    return pushed[0]
