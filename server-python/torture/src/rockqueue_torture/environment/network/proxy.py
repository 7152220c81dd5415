"""A network of one's own between clients and a server: bytes pass as the harness wants them to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

CHUNK_BYTES = 16 << 10
_NO_LINGER = struct.pack("ii", 1, 0)


class Link:
    """One connection through the proxy: two sockets, and what is done to what passes."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._sides = (client, server)
        self.swallowing = False
        """Bytes are taken from both sides and thrown away; neither side hears anything, not even of the other's end."""
        self.left_bytes: int | None = None
        """After so many more bytes, counted in both directions, the connection is cut; None for never."""

    def cut(self) -> None:
        """Closes both sides at once; what is in memory is lost."""
        for side in self._sides:
            with contextlib.suppress(RuntimeError, OSError):
                side.transport.abort()

    def reset(self) -> None:
        """The same, and both peers get a RST."""
        for side in self._sides:
            with contextlib.suppress(RuntimeError, OSError):
                side.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.cut()

    def close(self) -> None:
        """Ends both sides once what they were given has left."""
        for side in self._sides:
            with contextlib.suppress(RuntimeError, OSError):
                side.close()


class Proxy:
    """Listens on a loopback port and passes bytes to the server's. Use `proxy`, which opens and closes it."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.links: set[Link] = set()
        self.accepted = 0
        self.delay_s = 0.0
        """How long each piece is held up."""
        self.bytes_per_s: float | None = None
        """How fast bytes pass in each direction; None for as fast as they come."""
        self.refusing = False
        """New connections are reset."""
        self.swallowing_new = False
        """New connections are taken, and nothing passes."""

    @property
    def address(self) -> str:
        """What clients are given."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Opens the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK_BYTES)

    def swallow(self) -> None:
        """Every connection there is goes dead for good, and new ones too until `heal`."""
        self.swallowing_new = True
        for link in self.links:
            link.swallowing = True

    def cut_after(self, count: int) -> None:
        """Every connection there is breaks off after `count` more bytes, wherever that is in a frame."""
        for link in self.links:
            link.left_bytes = count

    def reset_all(self) -> None:
        """Every connection there is gets a RST on both sides."""
        for link in list(self.links):
            link.reset()

    def heal(self) -> None:
        """New connections are as they should be. What is dead stays dead."""
        self.delay_s, self.bytes_per_s = 0.0, None
        self.refusing = self.swallowing_new = False
        for link in self.links:
            link.left_bytes = None

    async def close(self) -> None:
        """Cuts everything and gives the port back."""
        if self._server is not None:
            self._server.close()
        for link in list(self.links):
            link.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            behind = await asyncio.open_connection(*self._target, limit=CHUNK_BYTES)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, behind[1])
        if self.refusing:
            link.reset()
            return
        link.swallowing = self.swallowing_new
        self.links.add(link)
        self._spawn(self._pass(link, reader, behind[1]))
        self._spawn(self._pass(link, behind[0], writer))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass(self, link: Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if self.bytes_per_s is not None:
                    await asyncio.sleep(len(data) / self.bytes_per_s)
                if link.swallowing:
                    continue
                if link.left_bytes is not None:
                    await self._pass_the_last(link, sink, data)
                else:
                    sink.write(data)
                    await sink.drain()
            if link.swallowing:
                # The end of one side is no news for the other, as behind a router that has forgotten the connection.
                return
        link.close()
        self.links.discard(link)

    async def _pass_the_last(self, link: Link, sink: asyncio.StreamWriter, data: bytes) -> None:
        assert link.left_bytes is not None
        sink.write(data[: link.left_bytes])
        link.left_bytes -= len(data)
        if link.left_bytes <= 0:
            # Closed in order, so that the part of the frame arrives.
            link.close()
        else:
            await sink.drain()


@contextlib.asynccontextmanager
async def proxy(target: str) -> AsyncGenerator[Proxy]:
    """A proxy before `target` (HOST:PORT), for the block."""
    opened = Proxy(target)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.close()
