"""A receiver of webhooks on loopback, with answers as the test says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h11

LIMIT_S = 20

Wire = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Answer:
    """What a receiver says: after `gate` was opened, if there is one. `raw` is said instead, as it is."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    gate: asyncio.Event | None = None
    raw: Wire | None = None


@dataclass
class Received:
    """A request."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body, read."""
        return json.loads(self.body)

    @property
    def id(self) -> str:
        """The id of the delivery."""
        return self.headers["webhook-id"]


class Receiver:
    """`answers` are given one after the other, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [Answer()]
        self.requests: list[Received] = []
        self.open = 0
        self.most_open = 0
        self.connections = 0
        self.port = 0
        self._taken = 0
        self._came = asyncio.Condition()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def wait(self, count: int) -> list[Received]:
        """The requests, once there are `count`."""
        async with asyncio.timeout(LIMIT_S), self._came:
            await self._came.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        connection = h11.Connection(h11.SERVER)
        try:
            while await self._exchange(connection, reader, writer):
                connection.start_next_cycle()
        except (h11.RemoteProtocolError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        request, body = None, b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        assert request is not None
        headers = {name.decode(): value.decode() for name, value in request.headers}
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        async with self._came:
            self.requests.append(Received(request.target.decode(), headers, body))
            self._came.notify_all()
        try:
            if answer.gate is not None:
                await answer.gate.wait()
            if answer.raw is not None:
                await answer.raw(reader, writer)
                return False
        finally:
            self.open -= 1
        said = [("content-length", str(len(answer.body))), *answer.headers.items()]
        for part in (
            h11.Response(status_code=answer.status, headers=said),
            h11.Data(data=answer.body),
            h11.EndOfMessage(),
        ):
            writer.write(connection.send(part) or b"")
        await writer.drain()
        return connection.our_state is h11.DONE


@asynccontextmanager
async def receiver(tls: ssl.SSLContext | None = None) -> AsyncGenerator[Receiver]:
    """Opens a receiver on a free port; nothing of it is left afterwards."""
    made = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await made.serve(reader, writer)

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
