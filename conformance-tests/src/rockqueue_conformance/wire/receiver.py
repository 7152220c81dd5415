"""A receiver of webhooks: a real HTTP server on loopback with answers that the case wrote, and what it was sent."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import h11

Data = dict[str, Any]

_READ_BYTES = 65536
_PREFIX = "whsec_"


@dataclass(slots=True, eq=False)
class Request:
    """What came, as it came."""

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """Listens at `url` until `close`. The n-th request gets the n-th answer, the last one for ever.

    Requests to another path are not for this receiver: a server may still speak to a case before, whose port this was.
    """

    path: str
    note: Callable[[str, Data], None]
    answers: list[Data] = field(default_factory=lambda: [{}])
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    requests: list[Request] = field(default_factory=list[Request])
    taken: int = 0
    """How many requests a case has looked at."""
    answered: int = 0
    port: int = 0
    most_at_once: int = 0
    _at_once: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    async def start(self) -> None:
        """Opens a free port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def wait(self, count: int, timeout_s: float) -> bool:
        """True once so many requests came; False when they did not in time."""
        try:
            async with asyncio.timeout(timeout_s), self._came:
                await self._came.wait_for(lambda: len(self.requests) >= count)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Hangs up on everybody."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        connection = h11.Connection(h11.SERVER)
        try:
            while await self._exchange(connection, reader, writer):
                connection.start_next_cycle()
        except (h11.ProtocolError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """One request and its answer; False when the connection is over."""
        request = await _read(connection, reader)
        if request is None:
            return False
        answer: Data = {"status": 404}
        if request.target.partition("?")[0] == self.path:
            answer = self.answers[min(self.answered, len(self.answers) - 1)]
            self.answered += 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            async with self._came:
                self.requests.append(request)
                self.note("<-", {"request": request.headers.get("webhook-id", ""), "body": request.body.decode()})
                self._came.notify_all()
            try:
                await asyncio.sleep(answer.get("delay_s", 0))
            finally:
                self._at_once -= 1
        body = str(answer.get("body", "")).encode()
        headers = [("content-length", str(len(body))), *cast(dict[str, str], answer.get("headers", {})).items()]
        response = h11.Response(status_code=int(answer.get("status", 204)), headers=headers)
        for part in (response, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(connection.send(part) or b"")
        await writer.drain()
        return connection.our_state is h11.DONE


async def _read(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    request: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            headers = {name.decode(): value.decode() for name, value in request.headers}
            return Request(request.target.decode(), headers, body)
        else:
            return None


def flaws(request: Request, secrets: dict[str, str]) -> list[str]:
    """What every request must have, whatever the case says."""
    headers = request.headers
    found = [f"a request has no {name}" for name in _HEADERS if not headers.get(name)]
    if headers.get("content-type", "").partition(";")[0] != "application/json":
        found.append(f"content-type is {headers.get('content-type')!r}")
    if not headers.get("user-agent", "").startswith("rockqueue/"):
        found.append(f"user-agent is {headers.get('user-agent')!r}")
    try:
        body = json.loads(request.body)
    except ValueError:
        return [*found, f"the body is no JSON: {request.body[:100]!r}"]
    if set(body) != {"type", "timestamp", "data"}:
        found.append(f"the body has {sorted(body)}")
    elif body["data"] and body["timestamp"] != body["data"].get("time"):
        found.append(f"timestamp {body['timestamp']} is not the event's time {body['data'].get('time')}")
    if secrets and not signed_by(request, secrets):
        found.append("no signature fits a secret that the receiver knows")
    return found


_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def signed_by(request: Request, secrets: dict[str, str]) -> list[str]:
    """The names of the secrets by which the request is signed."""
    headers = request.headers
    signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + request.body
    given = headers.get("webhook-signature", "").split(" ")
    names: list[str] = []
    for name, secret in secrets.items():
        key = base64.b64decode(secret.removeprefix(_PREFIX))
        if "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() in given:
            names.append(name)
    return names


def request_data(request: Request, secrets: dict[str, str]) -> Data:
    """A request as a case looks at it."""
    body = json.loads(request.body)
    return {
        "id": request.headers["webhook-id"],
        "timestamp": int(request.headers["webhook-timestamp"]),
        "type": body["type"],
        "event": body["data"],
        "time": body["timestamp"],
        "target": request.target,
        "signatures": len(request.headers["webhook-signature"].split(" ")),
        "signed_by": signed_by(request, secrets),
    }
