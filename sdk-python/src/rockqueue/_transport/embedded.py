"""The connection to a core in this process: the same calls and streams, without a wire."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import grpc

from rockqueue._errors import DeadlineExceeded, EmbeddedError, RockQueueError, ServerError, Unavailable
from rockqueue._methods import PUSH_JOBS, Method, Request, Response
from rockqueue._status import make_error
from rockqueue.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse
from rockqueue.v1.job_service_pb2 import PushJobsRequest, PushJobsResponse
from rockqueue.v1.work_service_pb2 import WorkRequest, WorkResponse

_SERVICES = {
    "rockqueue.v1.JobService": "jobs",
    "rockqueue.v1.WorkService": "work",
    "rockqueue.v1.QueueService": "queues",
    "rockqueue.v1.EventService": "events",
    "rockqueue.v1.ScheduleService": "schedules",
    "rockqueue.v1.FlowService": "flows",
    "rockqueue.v1.WebhookService": "webhooks",
    "rockqueue.v1.ServerService": "server",
    "rockqueue.testing.v1.ClockService": "clock",
    "rockqueue.testing.v1.StoreService": "store",
}


async def open_embedded(directory: str, *, testing: bool = False) -> EmbeddedTransport:
    """Opens or makes the store in `directory` on the running loop.

    Raises EmbeddedError: rockqueue-server is not installed, another process holds the store, or it cannot be read.
    """
    try:
        core_module = importlib.import_module("rockqueue_server.core")
        store_error: type[Exception] = importlib.import_module("rockqueue_server.store.opening").StoreError
    except ModuleNotFoundError as cause:
        raise EmbeddedError(
            'the embedded mode needs the package rockqueue-server: pip install "rockqueue[server]", '
            "or in a checkout pip install ./server-python"
        ) from cause
    options = core_module.CoreOptions(testing=testing, embedded=True)
    try:
        core = await core_module.Core.open(directory, options)
    except store_error as cause:
        raise EmbeddedError(str(cause), metadata={"path": directory}) from cause
    return EmbeddedTransport(core)


class EmbeddedTransport:
    """Calls the services of a core. The core is untyped here, because rockqueue-server is an optional package."""

    def __init__(self, core: Any) -> None:
        self.core = core

    async def unary(self, method: Method[Request, Response], request: Request, timeout_s: float) -> Response:
        """One call; the deadline is kept on this side."""
        service = getattr(self.core, _SERVICES[method.service], None)
        # An older server has no such service, or no such call in it.
        call = getattr(service, method.snake_name, None)
        if call is None:
            raise make_error(grpc.StatusCode.UNIMPLEMENTED, "", f"{method.path} is not offered here", from_server=False)
        try:
            async with asyncio.timeout(timeout_s):
                response: Response = await call(request)
                return response
        except TimeoutError as cause:
            raise DeadlineExceeded(f"{method.name} took longer than {timeout_s:g} s") from cause
        except Exception as cause:
            raise from_core(cause) from cause

    async def push(self, request: PushJobsRequest, timeout_s: float, patience_s: float) -> PushJobsResponse:  # noqa: ARG002 - a core in this process is not silent
        """A call: without a wire it costs no more than a stream would."""
        return await self.unary(PUSH_JOBS, request, timeout_s)

    def open_work(self) -> EmbeddedWorkStream:
        """A new `Work` stream."""
        return EmbeddedWorkStream(self.core)

    async def watch_events(self, request: WatchEventsRequest) -> AsyncIterator[WatchEventsResponse]:
        """A new event stream."""
        responses = self.core.events.watch_events(request)
        try:
            async for response in responses:
                yield response
        except Exception as cause:
            raise from_core(cause) from cause
        finally:
            await responses.aclose()

    async def close(self) -> None:
        """Ends streams and waits, then closes the store: everything acknowledged is on disk."""
        await self.core.drain(0)
        await self.core.close()


class EmbeddedWorkStream:
    """A `Work` stream whose other end is the core's generator."""

    def __init__(self, core: Any) -> None:
        # Bounded, so that a core that does not read holds the writer back as a socket would.
        self._outgoing: asyncio.Queue[WorkRequest | None] = asyncio.Queue(maxsize=16)
        # The core serialises where that is cheaper for a server.
        self._responses: AsyncGenerator[WorkResponse | bytes, None] = core.work.work(self._requests())
        self._closing: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[WorkResponse | None] | None = None
        self._cancelled = False

    async def _requests(self) -> AsyncIterator[WorkRequest]:
        while (message := await self._outgoing.get()) is not None:
            yield message

    async def write(self, message: WorkRequest) -> None:
        """Raises Unavailable when the stream was broken off."""
        if self._cancelled:
            raise Unavailable("the stream was broken off")
        await self._outgoing.put(message)

    async def read(self) -> WorkResponse | None:
        """The next message, or None at the end."""
        if self._cancelled:
            raise Unavailable("the stream was broken off")
        self._reading = asyncio.ensure_future(self._next())
        try:
            return await self._reading
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._cancelled and task is not None and not task.cancelling():
                raise Unavailable("the stream was broken off") from None
            self._reading.cancel()
            raise
        finally:
            self._reading = None

    async def _next(self) -> WorkResponse | None:
        try:
            message = await anext(self._responses, None)
        except Exception as cause:
            raise from_core(cause) from cause
        return WorkResponse.FromString(message) if isinstance(message, bytes) else message

    async def done_writing(self) -> None:
        """Ends the requests."""
        await self._outgoing.put(None)

    def give_up(self) -> None:
        """Breaks the stream off; there is no connection."""
        self.cancel()

    def cancel(self) -> None:
        """Breaks the stream off, as a lost connection would: the core sees its generator cancelled."""
        if self._cancelled:
            return
        self._cancelled = True
        if self._reading is not None:
            self._reading.cancel()
        else:
            self._closing = asyncio.ensure_future(_close(self._responses))


async def _close(responses: AsyncGenerator[WorkResponse | bytes, None]) -> None:
    with contextlib.suppress(Exception):
        await responses.aclose()


def from_core(error: Exception) -> RockQueueError:
    """The error for what the core raised: a refusal in the contract's terms, or a defect."""
    code = getattr(error, "code", None)
    if isinstance(error, RockQueueError):
        return error
    if not isinstance(code, grpc.StatusCode):
        return ServerError(f"the embedded core failed: {type(error).__name__}")
    failure: Any = error
    return make_error(
        code,
        failure.reason,
        failure.message,
        failure.metadata,
        from_server=True,
        retry_after=failure.retry_after_s,
        violations=tuple((one.field, one.description) for one in failure.violations),
    )
