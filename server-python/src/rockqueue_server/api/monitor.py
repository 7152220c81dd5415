"""The port for monitoring: /metrics, /healthz and /readyz over plain HTTP.

This is a small asyncio handler and not prometheus_client's threaded server, because a snapshot must be taken on the
event loop that changes the figures; here it is, without a bridge between threads. Only the text is made in a thread of
its own: for 200 queues it takes longer than the loop may be held up. A /healthz that answers shows that the loop is
alive.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from rockqueue_server.api.sockets import bind_error
from rockqueue_server.config import TcpAddress

if TYPE_CHECKING:
    from rockqueue_server.metrics import MeasuredCore, Recorder

MAX_HEAD_BYTES = 8_192
MAX_CONNECTIONS = 32
REQUEST_TIMEOUT_S = 10.0

logger = logging.getLogger(__name__)

Reply = tuple[str, str, bytes]
PLAIN = "text/plain; charset=utf-8"


class Monitor:
    """Answers one request per connection. `ready` tells whether the server takes jobs."""

    def __init__(self, core: MeasuredCore, version: str, ready: Callable[[], bool]) -> None:
        self._core = core
        self._version = version
        self._ready = ready
        self._recorder: Recorder | None = None
        self._connections = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")

    async def serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads a request, answers it, and closes. Who is one too many, silent or long-winded gets no answer."""
        self._connections += 1
        try:
            if self._connections <= MAX_CONNECTIONS:
                async with asyncio.timeout(REQUEST_TIMEOUT_S):
                    writer.write(_http(await self._reply(reader)))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            # The process ends. asyncio's stream server reports a handler that ends cancelled as an error.
            return
        except Exception:
            logger.exception("monitoring request failed")
        finally:
            self._connections -= 1
            writer.close()

    async def _reply(self, reader: asyncio.StreamReader) -> Reply:
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.split(b"\r\n", 1)[0].partition(b" ")
        if method not in (b"GET", b"HEAD"):
            return "405 Method Not Allowed", PLAIN, b"only GET\n"
        path = rest.partition(b" ")[0].partition(b"?")[0]
        return await self._page(path)

    async def _page(self, path: bytes) -> Reply:
        if path == b"/metrics":
            return "200 OK", "text/plain; version=0.0.4; charset=utf-8", await self._metrics()
        if path == b"/healthz":
            return "200 OK", PLAIN, b"ok\n"
        if path == b"/readyz":
            ready = self._ready()
            return ("200 OK", PLAIN, b"ready\n") if ready else ("503 Service Unavailable", PLAIN, b"shutting down\n")
        return "404 Not Found", PLAIN, b"try /metrics, /healthz or /readyz\n"

    async def _metrics(self) -> bytes:
        loop = asyncio.get_running_loop()
        if self._recorder is None:
            make = partial(_make_recorder, self._core, self._version)
            made = await loop.run_in_executor(self._thread, make)
            self._recorder = self._recorder or made
        snapshot = self._recorder.snapshot()
        return await loop.run_in_executor(self._thread, snapshot.exposition)

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


@asynccontextmanager
async def monitor(
    core: MeasuredCore, listen: TcpAddress, version: str, ready: Callable[[], bool]
) -> AsyncGenerator[TcpAddress]:
    """Serves the monitoring port until the block ends; gives the address with the real port. Raises BindError."""
    page = Monitor(core, version, ready)
    try:
        server = await asyncio.start_server(
            page.serve_connection, listen.host, listen.port, limit=MAX_HEAD_BYTES, reuse_address=True
        )
    except (OSError, UnicodeError) as error:
        raise bind_error(listen, error if isinstance(error, OSError) else None) from None
    try:
        yield TcpAddress(listen.host, _port(server.sockets[0]))
    finally:
        server.close()
        page.close()


def _make_recorder(core: MeasuredCore, version: str) -> Recorder:
    """prometheus_client takes 0.1 s to import: the first scrape pays for it, not the start, and not the loop."""
    from rockqueue_server.metrics import Recorder

    return Recorder(core, version)


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def _http(reply: Reply) -> bytes:
    status, content_type, body = reply
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
