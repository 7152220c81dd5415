"""A core that answers as it is told, and what a test needs to call it over a real connection."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2

from rockqueue_server.api import RunningServer, ServerSettings, methods, serve
from rockqueue_server.engine.health import WorkerGauges
from rockqueue_server.engine.stats import Stats, WebhookGauges

Script = Callable[..., object]


class Service:
    """Answers every method of a service with the script of that name, or with the empty response."""

    def __init__(self, scripts: dict[str, Script], empty: dict[str, Script]) -> None:
        self._scripts = scripts
        self._empty = empty

    def __getattr__(self, name: str) -> Script:
        if name.startswith("_") or name not in self._empty:
            raise AttributeError(name)

        def call(request: object) -> object:
            return self._scripts.get(name, self._empty[name])(request)

        return call


def _empty_answers() -> dict[str, dict[str, Script]]:
    answers: dict[str, dict[str, Script]] = {}
    for service, attribute in methods.SERVICES:
        scripts = answers.setdefault(attribute, {})
        for method in service.methods:
            response = methods.GetMessageClass(method.output_type)
            script = _empty_stream if method.server_streaming else _empty_answer(response)
            scripts[methods.snake_case(method.name)] = script
    return answers


def _empty_answer(response: type[Message]) -> Script:
    async def answer(_: object) -> Message:
        await asyncio.sleep(0)
        return response()

    return answer


async def _empty_stream(_: object) -> AsyncIterator[Message]:
    for nothing in ():
        yield nothing


@dataclass
class Gauges:
    depth: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    oldest_age_s: dict[str, float] = field(default_factory=dict[str, float])
    backlog_bytes: dict[str, int] = field(default_factory=dict[str, int])
    ready_groups: dict[str, int] = field(default_factory=dict[str, int])
    sessions: int = 0
    credits: int = 0
    schedules: int = 0
    workers: WorkerGauges = field(default_factory=WorkerGauges)
    webhooks: WebhookGauges = field(default_factory=WebhookGauges)


class ScriptedCore:
    """`scripts` maps a method (`push_jobs`) to a coroutine function, or to an async generator function for a stream."""

    def __init__(self, scripts: dict[str, Script] | None = None, *, testing: bool = False) -> None:
        empty = _empty_answers()
        chosen = scripts or {}
        known = {name for answers in empty.values() for name in answers}
        assert chosen.keys() <= known, f"no such methods: {chosen.keys() - known}"
        self.jobs: object = Service(chosen, empty["jobs"])
        self.work: object = Service(chosen, empty["work"])
        self.queues: object = Service(chosen, empty["queues"])
        self.schedules: object = Service(chosen, empty["schedules"])
        self.events: object = Service(chosen, empty["events"])
        self.flows: object = Service(chosen, empty["flows"])
        self.webhooks: object = Service(chosen, empty["webhooks"])
        self.server: object = Service(chosen, empty["server"])
        self.clock: object | None = Service(chosen, empty["clock"]) if testing else None
        self.store: object | None = Service(chosen, empty["store"]) if testing else None
        self.stats = Stats()
        self.figures = Gauges()

    def gauges(self) -> Gauges:
        return self.figures


@asynccontextmanager
async def scripted(
    scripts: dict[str, Script] | None = None, *, testing: bool = False, settings: ServerSettings | None = None
) -> AsyncGenerator[tuple[RunningServer, grpc.aio.Channel]]:
    """A server on a scripted core, and a channel to it."""
    core = ScriptedCore(scripts, testing=testing)
    async with (
        serve(core, "127.0.0.1:0", settings) as running,
        grpc.aio.insecure_channel(running.address) as channel,
    ):
        yield running, channel


def unary_bytes(channel: grpc.aio.Channel, path: str, request: bytes) -> Awaitable[bytes]:
    """Calls a method with these very bytes."""
    return channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)(request)


def streamed_bytes(channel: grpc.aio.Channel, path: str, requests: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Calls a method that streams both ways with these very bytes."""
    return aiter(channel.stream_stream(path, request_serializer=bytes, response_deserializer=bytes)(iter(requests)))


async def health_of(channel: grpc.aio.Channel, service: str = "") -> health_pb2.HealthCheckResponse:
    call = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    return await call(health_pb2.HealthCheckRequest(service=service), timeout=10)


@dataclass(frozen=True)
class Refusal:
    """What a client can see of a failed call."""

    code: grpc.StatusCode
    message: str
    info: error_details_pb2.ErrorInfo | None
    bad_request: error_details_pb2.BadRequest | None
    retry_info: error_details_pb2.RetryInfo | None
    everything: str


async def refusal(call: Awaitable[object]) -> Refusal:
    """Awaits a call that must fail, within 10 seconds, and reads its status."""
    try:
        answer = await asyncio.wait_for(call, 10)
    except grpc.aio.AioRpcError as error:
        return read_refusal(error)
    raise AssertionError(f"expected a refusal, got {answer!r}")


def read_refusal(error: grpc.aio.AioRpcError) -> Refusal:
    trailers = dict(error.trailing_metadata() or ())
    raw = trailers.get("grpc-status-details-bin", b"")
    assert isinstance(raw, bytes)
    status = status_pb2.Status.FromString(raw)
    details = list(_unpacked(status))
    return Refusal(
        error.code(),
        error.details() or "",
        next((d for d in details if isinstance(d, error_details_pb2.ErrorInfo)), None),
        next((d for d in details if isinstance(d, error_details_pb2.BadRequest)), None),
        next((d for d in details if isinstance(d, error_details_pb2.RetryInfo)), None),
        f"{error.details()} {error.debug_error_string()} {trailers}",
    )


def _unpacked(status: status_pb2.Status) -> Iterator[Message]:
    kinds = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
    for packed in status.details:
        for kind in kinds:
            message = kind()
            if packed.Unpack(message):
                yield message


def raising(error: BaseException) -> Script:
    """A script that fails."""

    async def fail(_: object) -> Message:
        await asyncio.sleep(0)
        raise error

    return fail


async def until(condition: Callable[[], bool | Awaitable[bool]], timeout_s: float = 10.0) -> None:
    """Waits for a condition, looking every 5 ms."""
    async with asyncio.timeout(timeout_s):
        while True:
            outcome = condition()
            if inspect.isawaitable(outcome):
                outcome = await outcome
            if outcome:
                return
            await asyncio.sleep(0.005)
