"""A gRPC server on a real socket, in its own thread, that answers as told and records what it was sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from rockqueue import _methods as methods
from rockqueue.v1 import job_service_pb2, server_service_pb2, work_service_pb2
from rockqueue.v1.work_service_pb2 import Settlement, WorkRequest, WorkResponse

WAIT_S = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status to answer with, in the contract's form unless `reason` is empty."""

    code: grpc.StatusCode
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    retry_after_s: float | None = None
    violations: tuple[tuple[str, str], ...] = ()

    def details(self) -> bytes:
        details: list[Message] = []
        if self.reason:
            details.append(error_details_pb2.ErrorInfo(reason=self.reason, domain="rockqueue", metadata=self.metadata))
        if self.retry_after_s is not None:
            delay = Duration()
            delay.FromNanoseconds(round(self.retry_after_s * 1e9))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        if self.violations:
            bad = error_details_pb2.BadRequest()
            for path, description in self.violations:
                bad.field_violations.add(field=path, description=description)
            details.append(bad)
        status = status_pb2.Status(code=self.code.value[0], message=self.reason or "scripted")
        for detail in details:
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        return status.SerializeToString()

    def entry_status(self) -> job_service_pb2.EntryStatus:
        """The same as the outcome of a batch on a stream."""
        status = job_service_pb2.EntryStatus(
            code=self.code.value[0], reason=self.reason, message=self.reason or "scripted", metadata=self.metadata
        )
        for path, description in self.violations:
            status.violations.add(field=path, description=description)
        if self.retry_after_s is not None:
            status.retry_delay.FromNanoseconds(round(self.retry_after_s * 1e9))
        return status


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt as it arrived; `deadline_s` is the time that its deadline left."""

    method: str
    request: Any
    deadline_s: float | None


Answer = Message | Refusal | Callable[[Any], Awaitable[Message | Refusal]]


async def eventually(holds: Callable[[], bool], within_s: float = WAIT_S) -> None:
    """Waits until something that another thread does has happened."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - it happens in code that knows of no event
            await asyncio.sleep(0.005)


class Talk:
    """One `Work` stream, as its script sees it. Heartbeats are answered and counted unless `mute`."""

    def __init__(self, context: Any, requests: AsyncIterator[WorkRequest]) -> None:
        self._context = context
        self._incoming: asyncio.Queue[WorkRequest | None] = asyncio.Queue()
        self.heartbeats = 0
        self.beats: list[work_service_pb2.Heartbeat] = []
        self.mute = False
        self.credits = 0
        self._reader = asyncio.ensure_future(self._read(requests))

    async def _read(self, requests: AsyncIterator[WorkRequest]) -> None:
        try:
            async for request in requests:
                if request.WhichOneof("message") == "heartbeat":
                    self.heartbeats += 1
                    self.beats.append(request.heartbeat)
                    if not self.mute:
                        reply = work_service_pb2.HeartbeatReply(sequence=request.heartbeat.sequence)
                        await self.send(WorkResponse(heartbeat=reply))
                    continue
                self.credits += request.credits.credits + request.settlements.credits
                await self._incoming.put(request)
        finally:
            self._incoming.put_nowait(None)

    async def send(self, message: WorkResponse) -> None:
        await self._context.write(message)

    async def next(self) -> WorkRequest | None:
        """The next message that is no heartbeat; None when the worker has ended its side."""
        return await asyncio.wait_for(self._incoming.get(), WAIT_S)

    async def expect(self, kind: str) -> WorkRequest:
        message = await self.next()
        got = None if message is None else message.WhichOneof("message")
        assert message is not None, f"expected {kind}, the stream ended"
        assert got == kind, f"expected {kind}, got {got}: {message}"
        return message

    async def opened(
        self, session_id: str = "s-1", *, resumed: bool = False, interval_s: float = 10.0, lost: tuple[bytes, ...] = ()
    ) -> work_service_pb2.OpenSession:
        """Takes `open`, answers it, and returns it."""
        request = await self.expect("open")
        answer = work_service_pb2.SessionOpened(session_id=session_id, resumed=resumed, lost_leases=lost)
        answer.heartbeat_interval.FromNanoseconds(round(interval_s * 1e9))
        answer.resume_grace.FromSeconds(10)
        await self.send(WorkResponse(opened=answer))
        return request.open

    async def deliver(self, *deliveries: work_service_pb2.Delivery) -> None:
        self.credits -= len(deliveries)
        assert self.credits >= 0, "the test delivers more than the worker asked for"
        await self.send(WorkResponse(deliveries=work_service_pb2.Deliveries(deliveries=deliveries)))

    async def answer(self, batch: work_service_pb2.Settlements, *refused: tuple[int, str]) -> None:
        results = work_service_pb2.SettlementResults(sequence=batch.sequence)
        for index, reason in refused:
            status = job_service_pb2.EntryStatus(code=9, reason=reason, message="scripted")
            results.failures.add(index=index, status=status)
        await self.send(WorkResponse(settled=results))

    async def settlements(self, count: int = 1) -> list[Settlement]:
        """Collects `count` settlements, answering each batch."""
        found: list[Settlement] = []
        while len(found) < count:
            request = await self.expect("settlements")
            found.extend(request.settlements.settlements)
            await self.answer(request.settlements)
        return found

    async def credits_of(self, wanted: int) -> None:
        """Waits until the worker has granted `wanted` credits in all that are not used."""
        while self.credits < wanted:
            await self.expect("credits")
        assert self.credits == wanted, f"expected {wanted} credits, got {self.credits}"

    async def goodbye(self) -> None:
        """Takes the orderly end."""
        await self.expect("goodbye")
        assert await self.next() is None

    async def drained(self) -> None:
        """Takes Drain and the orderly end of a worker without jobs; credits that were under way do not matter."""
        while (message := await self.next()) is not None and message.WhichOneof("message") == "credits":
            pass
        assert message is not None
        assert message.WhichOneof("message") == "drain", f"expected drain, got {message}"
        await self.goodbye()

    def stop_reading(self) -> None:
        self._reader.cancel()


Script = Callable[[Talk], Coroutine[Any, Any, None]]


class ScriptedServer:
    """Answers each method from a list; a `Work` stream runs the next script. What a script raises fails the test."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.scripts: list[Script] = []
        self.streams = 0
        self.push_streams = 0
        self.open_push_streams: list[asyncio.Future[Refusal]] = []
        self.watches: list[list[Message | Refusal | threading.Event]] = []
        self.failures: list[BaseException] = []
        self._answers: dict[str, list[Answer]] = {}
        self._default: dict[str, Answer] = {"GetServerInfo": server_service_pb2.GetServerInfoResponse(version="0")}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()
        self._stop = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"rockqueue://127.0.0.1:{self.port}"

    def answer(self, method: str, *answers: Answer) -> None:
        """Answers to give in turn; the last one is repeated."""
        self._answers[method] = list(answers)

    def of(self, method: str) -> list[Any]:
        """The requests of a method, in the order of their arrival."""
        return [call.request for call in list(self.calls) if call.method == method]

    def break_pushes(self, refusal: Refusal) -> None:
        """Ends the streams of pushes that are open."""
        for broken in list(self.open_push_streams):
            self._loop.call_soon_threadsafe(broken.set_result, refusal)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until a condition on what was recorded holds."""

        await eventually(holds)

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(WAIT_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers((_Handlers(self),))
        self.port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        self._started.set()
        await self._stop.wait()
        await server.stop(0)

    def record(self, call: Call) -> None:
        self.calls.append(call)

    async def take_answer(self, call: Call) -> Message | Refusal:
        answers = self._answers.get(call.method)
        if answers:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        else:
            answer = self._default.get(call.method, Refusal(grpc.StatusCode.UNIMPLEMENTED))
        if callable(answer):
            return await answer(call.request)
        return answer


METHODS: dict[str, methods.Method[Any, Any]] = {
    value.path: value
    for value in vars(methods).values()
    if isinstance(value, methods.Method)  # pyright: ignore[reportUnknownArgumentType]
}


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, server: ScriptedServer) -> None:
        self._server = server

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        if handler_call_details.method == "/rockqueue.v1.JobService/StreamPushes":
            return grpc.stream_stream_rpc_method_handler(
                self._pushes,
                job_service_pb2.StreamPushesRequest.FromString,
                job_service_pb2.StreamPushesResponse.SerializeToString,
            )
        method = METHODS.get(handler_call_details.method)
        if method is None:
            return None
        reading = method.request.FromString
        if method.name == "Work":
            return grpc.stream_stream_rpc_method_handler(self._work, reading, WorkResponse.SerializeToString)
        writing = method.response.SerializeToString
        if method.name == "WatchEvents":
            return grpc.unary_stream_rpc_method_handler(self._watch, reading, writing)

        async def unary(request: Any, context: Any) -> Message:
            call = Call(method.name, request, context.time_remaining())
            self._server.record(call)
            answer = await self._server.take_answer(call)
            if isinstance(answer, Refusal):
                await _abort(context, answer)
            return cast(Message, answer)

        return grpc.unary_unary_rpc_method_handler(unary, reading, writing)

    async def _pushes(self, requests: AsyncIterator[Any], context: Any) -> None:
        """Answers each batch as a PushJobs call would be; a script may answer `Break` to end the stream."""
        server = self._server
        server.push_streams += 1
        broken: asyncio.Future[Refusal] = asyncio.get_running_loop().create_future()
        server.open_push_streams.append(broken)
        writing = asyncio.Lock()
        playing: set[asyncio.Future[None]] = set()

        async def play(message: Any) -> None:
            call = Call("PushJobs", message.batch, None)
            server.record(call)
            try:
                answer = await server.take_answer(call)
            except Break as error:
                if not broken.done():
                    broken.set_result(error.refusal)
                return
            outcome = job_service_pb2.PushOutcome(sequence=message.sequence)
            if isinstance(answer, Refusal):
                outcome.failure.CopyFrom(answer.entry_status())
            else:
                outcome.answer.CopyFrom(cast(job_service_pb2.PushJobsResponse, answer))
            async with writing:
                await context.write(job_service_pb2.StreamPushesResponse(outcomes=[outcome]))

        async def read() -> None:
            async for message in requests:
                playing.add(asyncio.ensure_future(play(message)))

        playing.add(asyncio.ensure_future(read()))
        try:
            refusal = await broken
            server.open_push_streams.remove(broken)
            await _abort(context, refusal)
        finally:
            for task in playing:
                task.cancel()

    async def _watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self._server.record(Call("WatchEvents", request, context.time_remaining()))
        for answer in self._server.watches.pop(0) if self._server.watches else []:
            if isinstance(answer, threading.Event):
                await asyncio.to_thread(answer.wait, WAIT_S)
                continue
            if isinstance(answer, Refusal):
                await _abort(context, answer)
            yield answer
        await asyncio.Event().wait()

    async def _work(self, requests: AsyncIterator[WorkRequest], context: Any) -> None:
        self._server.streams += 1
        if not self._server.scripts:
            await _abort(context, Refusal(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN"))
        script = self._server.scripts.pop(0)
        talk = Talk(context, requests)
        try:
            await script(talk)
        except Break as broken:
            await _abort(context, broken.refusal)
        except BaseException as error:
            self._server.failures.append(error)
            raise
        finally:
            talk.stop_reading()


class Break(Exception):
    """Raised by a script: ends the stream with a status."""

    def __init__(self, refusal: Refusal | None = None) -> None:
        super().__init__("the script breaks the stream")
        self.refusal = refusal or Refusal(grpc.StatusCode.UNAVAILABLE)


async def _abort(context: Any, refusal: Refusal) -> None:
    context.set_trailing_metadata((("grpc-status-details-bin", refusal.details()),))
    await context.abort(refusal.code, refusal.reason or "scripted")


def delivery(number: int, name: str = "work", payload: bytes = b"null") -> work_service_pb2.Delivery:
    """A first delivery; its token is `t<number>`."""
    message = work_service_pb2.Delivery(job_id=f"job-{number}", lease_token=b"t%d" % number, attempt=1)
    message.lease.FromSeconds(30)
    message.spec.queue, message.spec.name = "q", name
    message.spec.payload, message.spec.content_type = payload, "application/json"
    return message


def pushed(request: job_service_pb2.PushJobsRequest) -> job_service_pb2.PushJobsResponse:
    """The answer to a push: ids that tell the payload."""
    return job_service_pb2.PushJobsResponse(
        jobs=[job_service_pb2.PushedJob(job_id="id-" + spec.payload.decode()) for spec in request.jobs]
    )


async def push_answer(request: job_service_pb2.PushJobsRequest) -> Message:
    """`pushed`, as an answer that is made when the request comes."""
    return pushed(request)
