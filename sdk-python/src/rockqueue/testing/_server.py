"""A core in the test's process with a virtual clock; needs rockqueue-server."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Self, Unpack

from rockqueue._client import Client
from rockqueue._client_base import ClientOptions
from rockqueue._durations import Seconds, from_timestamp, seconds, to_duration
from rockqueue._methods import Method, Request, Response, describe
from rockqueue._runtime import Runtime, acquire_runtime
from rockqueue._sync import SyncClient
from rockqueue._url import parse_url
from rockqueue.testing.v1 import clock_service_pb2, store_service_pb2

TIMEOUT_S = 30.0

_clock = clock_service_pb2
ADVANCE = describe(
    _clock.DESCRIPTOR, "ClockService", "AdvanceClock", _clock.AdvanceClockRequest, _clock.AdvanceClockResponse
)
FREEZE = describe(
    _clock.DESCRIPTOR, "ClockService", "FreezeClock", _clock.FreezeClockRequest, _clock.FreezeClockResponse
)
GET = describe(_clock.DESCRIPTOR, "ClockService", "GetClock", _clock.GetClockRequest, _clock.GetClockResponse)
VERIFY = describe(
    store_service_pb2.DESCRIPTOR,
    "StoreService",
    "VerifyStore",
    store_service_pb2.VerifyStoreRequest,
    store_service_pb2.VerifyStoreResponse,
)


class RockQueueServer:
    """A server for tests: `client()` talks to it, `advance()` turns its clock.

    The clock runs by the wall clock until it is first advanced or frozen; from then on it moves by `advance` alone.
    Leases and timeouts follow it too: a job that runs while the clock is turned past its lease is delivered again.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.url = f"embedded:{os.fspath(directory)}"
        self._runtime: Runtime | None = None

    def __enter__(self) -> Self:
        """Opens the store. Raises EmbeddedError."""
        self._runtime = acquire_runtime(parse_url(self.url), testing=True)
        self._runtime.submit(self._runtime.transport()).result(TIMEOUT_S)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._runtime is not None:
            self._runtime.release_blocking()

    def client(self, **options: Unpack[ClientOptions]) -> Client:
        """An async client of this server; the options are those of `Client`."""
        return Client(self.url, **options)

    def sync_client(self, **options: Unpack[ClientOptions]) -> SyncClient:
        """A sync client of this server; the options are those of `SyncClient`."""
        return SyncClient(self.url, **options)

    async def advance(self, by: Seconds) -> datetime:
        """Turns the clock forward and returns its time once all that became due is done and on disk."""
        request = _clock.AdvanceClockRequest(by=to_duration(seconds(by, "by")))
        now = from_timestamp((await self._call(ADVANCE, request)).now)
        if self._runtime is not None:
            await self._runtime.run(_let_workers_beat(self._runtime))
        return now

    async def freeze(self) -> datetime:
        """Stops the clock and returns its time."""
        return from_timestamp((await self._call(FREEZE, _clock.FreezeClockRequest())).now)

    async def now(self) -> datetime:
        """The clock's time."""
        return from_timestamp((await self._call(GET, _clock.GetClockRequest())).now)

    async def problems(self) -> list[str]:
        """What does not agree in the store; empty when the books balance."""
        return list((await self._call(VERIFY, store_service_pb2.VerifyStoreRequest())).problems)

    async def _call(self, method: Method[Request, Response], request: Request) -> Response:
        runtime = self._runtime
        if runtime is None:
            raise RuntimeError("the server is not open: use it in a with block, or by the fixture")

        async def call() -> Response:
            return await (await runtime.transport()).unary(method, request, TIMEOUT_S)

        return await runtime.run(call())


async def _let_workers_beat(runtime: Runtime) -> None:
    # By the virtual clock they have said nothing for long, and a server sends no jobs to workers that hang.
    for heart in list(runtime.heartbeats):
        heart.beat()
