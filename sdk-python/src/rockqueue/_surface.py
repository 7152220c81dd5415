"""How a part of a client makes its calls: awaited in the async client, blocking in the sync one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, Protocol, TypeVar

from rockqueue._methods import Method, Request, Response
from rockqueue._operations import Operations
from rockqueue._payloads import PayloadCodec

T = TypeVar("T")


class ClientPart(Protocol):
    """What a part of a client needs of it."""

    codec: PayloadCodec

    def operations(self) -> Operations:
        """The client's operations."""
        ...


class AsyncPart:
    """A part of the async client, such as `client.queues`."""

    def __init__(self, client: ClientPart) -> None:
        self._client = client

    async def _call(
        self,
        method: Method[Request, Response],
        request: Request,
        timeout_s: float | None = None,
        attempt_timeout_s: float | None = None,
    ) -> Response:
        operations = self._client.operations()
        call = operations.call(method, request, timeout_s=timeout_s, attempt_timeout_s=attempt_timeout_s)
        return await operations.runtime.run(call)

    async def _run(self, coroutine: Coroutine[Any, Any, T], operations: Operations) -> T:
        return await operations.runtime.run(coroutine)

    async def _pages(self, method: Method[Request, Response], request: Request) -> AsyncIterator[Response]:
        """Each page of a listing."""
        asked: Any = request
        while True:
            response = await self._call(method, request)
            yield response
            asked.page_token = next_page(response)
            if not asked.page_token:
                return


class SyncPart:
    """The same part of the sync client."""

    def __init__(self, client: ClientPart) -> None:
        self._client = client

    def _call(
        self,
        method: Method[Request, Response],
        request: Request,
        timeout_s: float | None = None,
        attempt_timeout_s: float | None = None,
    ) -> Response:
        operations = self._client.operations()
        call = operations.call(method, request, timeout_s=timeout_s, attempt_timeout_s=attempt_timeout_s)
        return operations.runtime.submit(call).result()

    def _run(self, coroutine: Coroutine[Any, Any, T], operations: Operations) -> T:
        return operations.runtime.submit(coroutine).result()

    def _pages(self, method: Method[Request, Response], request: Request) -> Iterator[Response]:
        """Each page of a listing."""
        asked: Any = request
        while True:
            response = self._call(method, request)
            yield response
            asked.page_token = next_page(response)
            if not asked.page_token:
                return


def next_page(response: Any) -> str:
    """The token of the page behind this one; empty: there is none."""
    return response.next_page_token
