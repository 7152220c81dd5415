"""RockQueue in a Starlette app: the client opens and closes with the app, and requests find it.

    from rockqueue.starlette import get_client, lifespan

    async def signup(request):
        await send_email.push(get_client(request), to="ada@example.com")
        return PlainTextResponse("on its way", 202)

    app = Starlette(routes=[...], lifespan=lifespan("embedded:./jobs.db", worker=make_worker))

Needs `pip install "rockqueue[starlette]"`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypedDict, Unpack, cast

from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from rockqueue._client import Client
from rockqueue._client_base import ClientOptions
from rockqueue._worker.worker import Worker

__all__ = ["LifespanState", "get_client", "lifespan"]


class LifespanState(TypedDict):
    """What the lifespan adds to `request.state`."""

    rockqueue: Client


def lifespan(
    url: str | None = None,
    *,
    worker: Callable[[Client], Worker] | None = None,
    **options: Unpack[ClientOptions],
) -> Callable[[Starlette], AbstractAsyncContextManager[LifespanState]]:
    """The lifespan of an app with a client: `Starlette(lifespan=lifespan("embedded:./jobs.db"))`.

    In a lifespan of your own: `async with lifespan(url)(app): ...`. Code outside of requests finds the client as
    `app.state.rockqueue`.

    Args:
        url: As for `Client`. Default: the environment variable ROCKQUEUE_URL, else rockqueue://localhost:7655.
        worker: Makes a worker that runs inside the app, from its start to its end, when it drains. Default: none; the
            jobs are worked on elsewhere.
        options: As for `Client`.

    An embedded store belongs to one process at a time: an app that is served by several needs a server. The app does
    not start when the store cannot be opened (EmbeddedError).
    """

    @asynccontextmanager
    async def opened(app: Starlette) -> AsyncGenerator[LifespanState]:
        async with Client(url, **options) as client:
            app.state.rockqueue = client
            try:
                async with contextlib.nullcontext() if worker is None else worker(client):
                    yield {"rockqueue": client}
            finally:
                del app.state.rockqueue

    return opened


def get_client(connection: HTTPConnection) -> Client:
    """The client of the app that serves this request or WebSocket. Raises RuntimeError without the lifespan."""
    # The server hands the lifespan's state on, also to mounted apps; a test client that does not still knows the app.
    client = connection.scope.get("state", {}).get("rockqueue") or getattr(connection.app.state, "rockqueue", None)
    if client is None:
        raise RuntimeError("this app has no RockQueue client: make it with lifespan=rockqueue.starlette.lifespan(url)")
    return cast(Client, client)
