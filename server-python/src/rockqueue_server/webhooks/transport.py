"""Sends one request and tells what came of it: no redirects, no proxies, only to addresses that are permitted.

The name is looked up here and the connection goes to the very address that was checked, so a name that has another
address a moment later gains nothing. The HTTP library is imported with this module: import it only when there is
something to send.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import anyio
import httpcore2

from rockqueue_server.webhooks.addresses import Network, choose

TIMEOUT_S = 15.0
IN_FLIGHT = 8
"""Requests of one webhook at the same time."""
_CONNECT_TRIES = 3
_READ_BYTES = 64 << 10
_READ_S = 1.0
_IDLE_S = 5.0
_LOOK_UP_THREADS = 32
_MOST_ERROR_CHARS = 200

SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

# The library notes every step at level debug, with headers.
logging.getLogger("httpcore2").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. `error` is empty on success; `status` is 0 when there was no answer."""

    status: int
    error: str
    took_s: float
    retry_after: str = ""
    refused: bool = False
    """The address is not permitted: nothing was sent."""

    @property
    def outcome(self) -> str:
        """In one word, for metrics."""
        if not self.error:
            return "succeeded"
        return "refused" if self.refused else "rejected" if self.status else "unanswered"


class AddressRefused(Exception):
    """No address of this name is permitted."""


class _Names:
    """Looks names up in threads; who asks for a name that is being looked up waits for the same answer."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOK_UP_THREADS, thread_name_prefix="webhook look-up")
        self._running: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def look_up(self, host: str, port: int) -> list[str]:
        """The addresses of a name, in the order of the system's preference."""
        running = self._running.get((host, port))
        if running is None:
            running = asyncio.get_running_loop().run_in_executor(self._threads, _addresses, host, port)
            self._running[host, port] = running
            running.add_done_callback(lambda _: self._running.pop((host, port), None))
        return await asyncio.shield(running)

    def close(self) -> None:
        """Starts no more look-ups; one that hangs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to permitted addresses only. The name stays what TLS and the header `host` speak of."""

    def __init__(self, names: _Names, allowed: Sequence[Network]) -> None:
        self._names = names
        self._allowed = allowed
        self._plain = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Looks up, checks, connects."""
        found = await self._find(host, port)
        chosen = choose(found, self._allowed)
        if not chosen:
            raise AddressRefused(
                f"{host} has the address {found[0]}, which is not public: start the server with --webhook-allow to "
                "let webhooks go there"
            )
        failure: Exception | None = None
        for address in chosen[:_CONNECT_TRIES]:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError as error:
                failure = error
        assert failure is not None
        raise failure

    async def _find(self, host: str, port: int) -> list[str]:
        try:
            return [str(ipaddress.ip_address(host.strip("[]")))]
        except ValueError:
            pass
        try:
            return await self._names.look_up(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"the name {host} was not found") from error


class Transport:
    """Connections of all webhooks. `allowed` are networks that are permitted although they are not public."""

    def __init__(self, allowed: Sequence[Network], *, user_agent: str, follow_redirects: bool = False) -> None:
        self._names = _Names()
        self._backend = _CheckedBackend(self._names, allowed)
        self._user_agent = user_agent
        self._tls: ssl.SSLContext | None = None
        self._follow_redirects = follow_redirects

    async def tls(self, url: str) -> ssl.SSLContext | None:
        """What `pool` needs for a URL; made once, as reading the system's certificates takes tens of milliseconds."""
        if self._tls is None and url.lower().startswith("https:"):
            self._tls = await asyncio.get_running_loop().run_in_executor(None, httpcore2.default_ssl_context)
        return self._tls

    def pool(self, tls: ssl.SSLContext | None) -> httpcore2.AsyncConnectionPool:
        """Connections for a burst of requests to one receiver. Close it with `aclose`."""
        return httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=IN_FLIGHT + 1,
            max_keepalive_connections=IN_FLIGHT,
            keepalive_expiry=_IDLE_S,
            network_backend=self._backend,
        )

    async def post(self, pool: httpcore2.AsyncConnectionPool, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Sends a request. Never raises but when it is cancelled."""
        began = time.monotonic()
        status, error, retry_after, refused = 0, "", "", False
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, retry_after = await self._exchange(pool, url, headers, body)
        except TimeoutError:
            error = f"no answer within {TIMEOUT_S:g} s"
        except AddressRefused as refusal:
            error, refused = str(refusal), True
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as failure:
            error = f"no answer: {_in_words(failure)}"
        except Exception as failure:
            logging.getLogger(__name__).exception("a webhook's request failed in an unforeseen way")
            error = f"no answer: {type(failure).__name__}"
        if status and not _is_success(status):
            error = f"the receiver answered {status}" + (
                ", and redirects are not followed" if _is_redirect(status) else ""
            )
        return Answer(status, error[:_MOST_ERROR_CHARS], time.monotonic() - began, retry_after, refused)

    async def _exchange(
        self, pool: httpcore2.AsyncConnectionPool, url: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, str]:
        """Status and `retry-after`."""
        sent = [("host", urlsplit(url).netloc), ("user-agent", self._user_agent), ("accept", "*/*")]
        sent += [("content-length", str(len(body))), *headers.items()]
        response = await pool.handle_async_request(
            httpcore2.Request("POST", url, headers=sent, content=body, extensions={"timeout": {"connect": TIMEOUT_S}})
        )
        try:
            received = {name.decode("ascii", "replace").lower(): value for name, value in response.headers}
            # Read to its end a short body frees its connection for the next request; a long one is cut off.
            with contextlib.suppress(httpcore2.NetworkError, httpcore2.ProtocolError, TimeoutError):
                await _read_some(response)
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()
        if self._follow_redirects and _is_redirect(response.status) and "location" in received:
            return await self._exchange(pool, received["location"].decode(), headers, body)
        return response.status, received.get("retry-after", b"").decode("ascii", "replace")

    def close(self) -> None:
        """Looks no more names up."""
        self._names.close()


async def _read_some(response: httpcore2.Response) -> None:
    size = 0
    async with asyncio.timeout(_READ_S), contextlib.aclosing(response.aiter_stream()) as parts:
        async for part in parts:
            size += len(part)
            if size > _READ_BYTES:
                return


def _is_success(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - RFC 9110


def _is_redirect(status: int) -> bool:
    return 300 <= status < 400  # noqa: PLR2004 - RFC 9110


def _in_words(failure: Exception) -> str:
    text = " ".join(str(failure).split())
    return text or type(failure).__name__
