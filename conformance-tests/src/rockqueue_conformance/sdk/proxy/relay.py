"""The network between an SDK and the proxy: one port that stays, connections that can be cut, held up, or refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

CHUNK_BYTES = 64 * 1024


class _Link:
    """One connection from the SDK and its counterpart behind the relay."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.flowing = asyncio.Event()
        self.flowing.set()

    def close(self) -> None:
        """Ends both sides once what they were given has left."""
        for side in (self.client, self.server):
            with contextlib.suppress(RuntimeError):
                side.close()

    def cut(self) -> None:
        """Breaks both sides off without a goodbye."""
        for side in (self.client, self.server):
            with contextlib.suppress(RuntimeError):
                side.transport.abort()


class Relay:
    """Passes bytes between its own port and the port behind it."""

    def __init__(self) -> None:
        self.target_port = 0
        self.refusing = False
        self.bytes_per_s: float | None = None
        """How fast the SDK's bytes are passed on; None for as fast as they come."""
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        try:
            behind = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self.connections += 1
        link = _Link(writer, behind[1])
        self._links.add(link)
        self._spawn(self._pump(link, reader, behind[1], limited=True))
        self._spawn(self._pump(link, behind[0], writer, limited=False))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, link: _Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, limited: bool
    ) -> None:
        try:
            while data := await source.read(CHUNK_BYTES):
                await link.flowing.wait()
                if limited and self.bytes_per_s is not None:
                    await asyncio.sleep(len(data) / self.bytes_per_s)
                sink.write(data)
                await sink.drain()
            if sink.can_write_eof():
                sink.write_eof()
        except OSError:
            pass
        finally:
            link.close()
            self._links.discard(link)

    def cut(self) -> None:
        """Breaks every connection off."""
        for link in list(self._links):
            link.cut()

    def stall(self) -> None:
        """Holds up every connection there is; those made later flow."""
        for link in self._links:
            link.flowing.clear()

    def flow(self) -> None:
        """Lets everything through again."""
        self.refusing = False
        self.bytes_per_s = None
        for link in self._links:
            link.flowing.set()

    async def close(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
