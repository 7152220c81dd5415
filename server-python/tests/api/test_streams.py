"""Streams through the boundary: messages both ways, ends of every kind, and a client that does not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from api.scripted import Script, read_refusal, scripted, streamed_bytes, until
from google.protobuf.message import Message

from rockqueue.v1 import event_service_pb2, event_service_pb2_grpc, work_service_pb2, work_service_pb2_grpc
from rockqueue_server import errors
from rockqueue_server.api import ServerSettings

WorkRequest, WorkResponse = work_service_pb2.WorkRequest, work_service_pb2.WorkResponse


def heartbeat(sequence: int) -> work_service_pb2.WorkRequest:
    return WorkRequest(heartbeat=work_service_pb2.Heartbeat(sequence=sequence))


def reply(sequence: int) -> work_service_pb2.WorkResponse:
    return WorkResponse(heartbeat=work_service_pb2.HeartbeatReply(sequence=sequence))


async def echo(requests: AsyncIterator[work_service_pb2.WorkRequest]) -> AsyncIterator[Message | bytes]:
    """Answers even heartbeats with a message, odd ones with its bytes."""
    async for request in requests:
        answer = reply(request.heartbeat.sequence)
        yield answer if request.heartbeat.sequence % 2 == 0 else answer.SerializeToString()


async def test_messages_and_ready_bytes_arrive_alike() -> None:
    async with scripted({"work": echo}) as (_, channel):
        call = work_service_pb2_grpc.WorkServiceStub(channel).Work(iter([heartbeat(n) for n in range(10)]))
        async with asyncio.timeout(10):
            assert [answer.heartbeat.sequence async for answer in call] == list(range(10))
        assert await call.code() == grpc.StatusCode.OK


class Ends:
    """Tells how the core's side of a stream ended."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.closed = asyncio.Event()

    async def converse(self, requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
        try:
            async for _ in requests:
                self.started.set()
                yield reply(1)
        finally:
            self.closed.set()


async def test_the_core_learns_when_the_client_goes_away() -> None:
    ends = Ends()
    async with scripted({"work": ends.converse}) as (_, channel):
        call = work_service_pb2_grpc.WorkServiceStub(channel).Work()
        await call.write(heartbeat(1))
        await asyncio.wait_for(ends.started.wait(), 10)
        call.cancel()
        await asyncio.wait_for(ends.closed.wait(), 10)


async def test_the_core_learns_when_the_connection_breaks() -> None:
    ends = Ends()
    async with scripted({"work": ends.converse}) as (running, _):
        async with grpc.aio.insecure_channel(running.address) as second:
            call = work_service_pb2_grpc.WorkServiceStub(second).Work()
            await call.write(heartbeat(1))
            await asyncio.wait_for(ends.started.wait(), 10)
        await asyncio.wait_for(ends.closed.wait(), 10)


async def test_stopping_the_server_ends_open_streams() -> None:
    ends = Ends()
    async with scripted({"work": ends.converse}) as (running, channel):
        call = work_service_pb2_grpc.WorkServiceStub(channel).Work()
        await call.write(heartbeat(1))
        await asyncio.wait_for(ends.started.wait(), 10)
        async with asyncio.timeout(10):
            await running.stop(grace_s=0.0)
            await ends.closed.wait()


async def test_a_refusal_in_the_middle_comes_after_what_was_sent() -> None:
    async def refuse_second(requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
        async for _ in requests:
            yield reply(7)
            raise errors.shutting_down()

    async with scripted({"work": refuse_second}) as (_, channel):
        call = work_service_pb2_grpc.WorkServiceStub(channel).Work(iter([heartbeat(1)]))
        first = await asyncio.wait_for(call.read(), 10)
        assert isinstance(first, WorkResponse)
        assert first.heartbeat.sequence == 7
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call.read(), 10)
    seen = read_refusal(caught.value)
    assert seen.info is not None
    assert (seen.code, seen.info.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert seen.retry_info is not None


async def test_an_unexpected_error_in_a_stream_leaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
        async for _ in requests:
            yield reply(1)
            raise KeyError("hunter2")

    async with scripted({"work": fail}) as (_, channel):
        call = work_service_pb2_grpc.WorkServiceStub(channel).Work(iter([heartbeat(1)]))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in call:
                pass
    seen = read_refusal(caught.value)
    assert seen.code == grpc.StatusCode.INTERNAL
    assert "hunter2" not in seen.everything
    assert seen.info is not None
    assert seen.info.metadata["incident"] in str([getattr(r, "incident", "") for r in caplog.records])


async def passes_errors_on(requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
    async for _ in requests:
        yield reply(1)


async def swallows_errors(requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
    try:
        async for _ in requests:
            yield reply(1)
    except errors.ServiceError:
        return


@pytest.mark.parametrize("core", [passes_errors_on, swallows_errors])
async def test_bytes_that_are_no_message_end_the_stream_with_the_reason(core: Script) -> None:
    async with scripted({"work": core}) as (_, channel):
        requests = [heartbeat(1).SerializeToString(), b"\x0a\xff\xff\xff\x7f"]
        call = streamed_bytes(channel, "/rockqueue.v1.WorkService/Work", requests)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in call:
                pass
    seen = read_refusal(caught.value)
    assert seen.info is not None
    assert (seen.code, seen.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


@pytest.mark.parametrize("message_bytes", [1_000, 1_000_000])
async def test_a_client_that_does_not_read_is_cut(message_bytes: int, caplog: pytest.LogCaptureFixture) -> None:
    closed = asyncio.Event()
    kept: list[object] = []  # so that the generator is closed by the server, not by the garbage collector
    sent = 0

    def keep(request: object) -> AsyncIterator[bytes]:
        responses = flood(request)
        kept.append(responses)
        return responses

    async def flood(_: object) -> AsyncIterator[bytes]:
        nonlocal sent
        response = event_service_pb2.WatchEventsResponse(cursor="x" * message_bytes).SerializeToString()
        try:
            while True:
                yield response
                sent += 1
        finally:
            closed.set()

    async with scripted({"watch_events": keep}, settings=ServerSettings(write_timeout_s=0.2)) as (_, channel):
        stub = event_service_pb2_grpc.EventServiceStub(channel)
        silent = stub.WatchEvents(event_service_pb2.WatchEventsRequest())
        await asyncio.wait_for(silent.read(), 10)
        await asyncio.wait_for(closed.wait(), 10)
        await until(lambda: any("does not read" in record.message for record in caplog.records))
        assert 0 < sent * message_bytes < 100_000_000
        # The server lives, and the client, when it reads again, finds the end of the stream.
        code = await asyncio.wait_for(drained(silent), 20)
    assert code == grpc.StatusCode.UNAVAILABLE


async def test_a_client_that_has_read_nothing_at_all_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    async def flood(_: object) -> AsyncIterator[bytes]:
        while True:
            yield event_service_pb2.WatchEventsResponse(cursor="x" * 5_000_000).SerializeToString()

    async with scripted({"watch_events": flood}, settings=ServerSettings(write_timeout_s=0.2)) as (running, _):
        # The window of a stream stays small, so that the first message is the one that waits.
        options = (("grpc.http2.bdp_probe", 0), ("grpc.max_receive_message_length", 6_000_000))
        async with grpc.aio.insecure_channel(running.address, options=options) as channel:
            stub = event_service_pb2_grpc.EventServiceStub(channel)
            silent = stub.WatchEvents(event_service_pb2.WatchEventsRequest())
            await until(lambda: any("does not read" in record.message for record in caplog.records))
            code = await asyncio.wait_for(drained(silent), 20)
    assert code == grpc.StatusCode.UNAVAILABLE


def test_a_client_may_leave_a_stream_unread_for_half_a_minute() -> None:
    assert ServerSettings().write_timeout_s == 30


async def drained(
    call: grpc.aio.UnaryStreamCall[event_service_pb2.WatchEventsRequest, event_service_pb2.WatchEventsResponse],
) -> grpc.StatusCode:
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_a_client_that_reads_slowly_but_steadily_is_not_cut() -> None:
    async def trickle(_: object) -> AsyncIterator[Message]:
        for number in range(6):
            await asyncio.sleep(0.05)
            yield event_service_pb2.WatchEventsResponse(cursor=str(number))

    async with scripted({"watch_events": trickle}, settings=ServerSettings(write_timeout_s=0.1)) as (_, channel):
        call = event_service_pb2_grpc.EventServiceStub(channel).WatchEvents(event_service_pb2.WatchEventsRequest())
        async with asyncio.timeout(10):
            assert [answer.cursor async for answer in call] == ["0", "1", "2", "3", "4", "5"]
