"""Clients that mean harm or have gone wrong, many at once: they open, cancel, flood, and never read."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio
from google.protobuf.duration_pb2 import Duration

from rockqueue.v1 import (
    event_service_pb2,
    event_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    work_service_pb2,
    work_service_pb2_grpc,
)

CONNECTIONS = 3_000
SPARE_DESCRIPTORS = 500
IDLE_S = 3.0
AT_ONCE = 100
WATCHERS = 20
UNREAD_WORKERS = 10
UNREAD_EVENTS = 20_000
UNREAD_JOBS = 2_000
UNREAD_S = 3.0
CANCELLED_CALLS = 600
FLOOD_MESSAGES = 5_000
FLOOD_PUSHES = 60
FLOOD_PUSH_BYTES = 900_000
JUNK_CONNECTIONS = 60
CALL_WITHIN_S = 30.0
CROWD_QUEUE = "crowd"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS_ACK = bytes((0, 0, 0, 4, 1, 0, 0, 0, 0))
# Each client of a crowd has a connection of its own.
_OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", 16 << 20))

Crowd = Callable[[str, random.Random], Awaitable[None]]


async def idle_connections(address: str, _: random.Random) -> None:
    """Thousands of HTTP/2 connections that are opened properly and say nothing more."""
    _allow_descriptors(CONNECTIONS + SPARE_DESCRIPTORS)
    writers: list[asyncio.StreamWriter] = []
    try:
        for first in range(0, CONNECTIONS, AT_ONCE):
            count = min(AT_ONCE, CONNECTIONS - first)
            writers += await asyncio.gather(*(_open_idle(address) for _ in range(count)))
        await asyncio.sleep(IDLE_S)
    finally:
        for writer in writers:
            writer.transport.abort()


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


async def _open_idle(address: str) -> asyncio.StreamWriter:
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(CALL_WITHIN_S):
        reader, writer = await asyncio.open_connection(host, int(port), limit=4096)
        writer.write(_PREFACE + _SETTINGS)
        await reader.readexactly(len(_SETTINGS))
        writer.write(_SETTINGS_ACK)
        await writer.drain()
    return writer


async def unread_events(address: str, chance: random.Random) -> None:
    """Watchers that ask for everything from the beginning, and read nothing of it."""
    async with contextlib.AsyncExitStack() as stack:
        pushing = await stack.enter_async_context(grpc.aio.insecure_channel(address, options=_OPTIONS))
        await _fill(pushing, chance, UNREAD_EVENTS, 10)
        calls: list[Any] = []
        for _number in range(WATCHERS):
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(address, options=_OPTIONS))
            request = event_service_pb2.WatchEventsRequest(beginning=True)
            calls.append(event_service_pb2_grpc.EventServiceStub(channel).WatchEvents(request))
        await asyncio.sleep(UNREAD_S)
        for call in calls:
            call.cancel()


async def unread_deliveries(address: str, chance: random.Random) -> None:
    """Workers that ask for thousands of jobs, and never read a delivery."""
    async with contextlib.AsyncExitStack() as stack:
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address, options=_OPTIONS))
        await _fill(channel, chance, UNREAD_JOBS, 1_000)
        calls: list[Any] = []
        for number in range(UNREAD_WORKERS):
            own = await stack.enter_async_context(grpc.aio.insecure_channel(address, options=_OPTIONS))
            call = work_service_pb2_grpc.WorkServiceStub(own).Work()
            await call.write(_opening(f"unread-{number}"))
            await call.write(
                work_service_pb2.WorkRequest(credits=work_service_pb2.AddCredits(credits=10_000 // UNREAD_WORKERS))
            )
            calls.append(call)
        await asyncio.sleep(UNREAD_S)
        for call in calls:
            call.cancel()


async def open_and_cancel(address: str, chance: random.Random) -> None:
    """Calls and streams that are given up at once, or a little later."""
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        jobs = job_service_pb2_grpc.JobServiceStub(channel)
        work = work_service_pb2_grpc.WorkServiceStub(channel)
        events = event_service_pb2_grpc.EventServiceStub(channel)

        def pushed() -> Any:
            return jobs.PushJobs(_batch(chance, 5, 200))

        def pulled() -> Any:
            return work.PullJobs(
                work_service_pb2.PullJobsRequest(
                    queues=[CROWD_QUEUE],
                    worker="crowd",
                    max_jobs=10,
                    timeout=Duration(seconds=20),
                    lease=Duration(seconds=1),
                )
            )

        def worked() -> Any:
            return work.Work(_opening_and_credits())

        def watched() -> Any:
            return events.WatchEvents(event_service_pb2.WatchEventsRequest(beginning=True))

        async def give_up(open_call: Callable[[], Any]) -> None:
            call = open_call()
            await asyncio.sleep(chance.choice((0, 0.001, 0.01, 0.05)))
            call.cancel()

        for _ in range(CANCELLED_CALLS // 20):
            await asyncio.gather(*(give_up(chance.choice((pushed, pulled, worked, watched))) for _ in range(20)))


async def message_flood(address: str, chance: random.Random) -> None:
    """One stream full of small messages, and then of settlements for leases that nobody has."""
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        call: Any = work_service_pb2_grpc.WorkServiceStub(channel).Work()
        await call.write(_opening("flood"))
        reading = asyncio.ensure_future(_read_all(call))
        settlement = work_service_pb2.Settlement(lease_token=chance.randbytes(28), release=work_service_pb2.Release())
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            async with asyncio.timeout(CALL_WITHIN_S):
                for number in range(1, FLOOD_MESSAGES + 1):
                    await call.write(
                        work_service_pb2.WorkRequest(
                            settlements=work_service_pb2.Settlements(sequence=number, settlements=[settlement] * 20)
                        )
                        if number % 2
                        else work_service_pb2.WorkRequest(heartbeat=work_service_pb2.Heartbeat(sequence=number))
                    )
        call.cancel()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def push_flood(address: str, chance: random.Random) -> None:
    """Big pushes, all at once: more than the server takes in. What is refused is refused with OVERLOADED."""
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        jobs = job_service_pb2_grpc.JobServiceStub(channel)
        requests = [_batch(chance, 4, FLOOD_PUSH_BYTES) for _ in range(FLOOD_PUSHES)]
        await asyncio.gather(
            *(jobs.PushJobs(request, timeout=CALL_WITHIN_S) for request in requests), return_exceptions=True
        )


async def junk(address: str, chance: random.Random) -> None:
    """Bytes that are no HTTP/2, or begin like it."""
    host, _, port = address.rpartition(":")

    async def throw() -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CALL_WITHIN_S):
                reader, writer = await asyncio.open_connection(host, int(port))
                start = chance.choice((b"", _PREFACE, _PREFACE + _SETTINGS, b"GET / HTTP/1.1\r\n\r\n"))
                writer.write(start + chance.randbytes(chance.choice((0, 10, 50_000))))
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(100), 0.2)
                writer.transport.abort()

    for _ in range(JUNK_CONNECTIONS // 20):
        await asyncio.gather(*(throw() for _ in range(20)))


CROWDS: dict[str, Crowd] = {
    "idle connections": idle_connections,
    "unread events": unread_events,
    "unread deliveries": unread_deliveries,
    "open and cancel": open_and_cancel,
    "message flood": message_flood,
    "push flood": push_flood,
    "junk": junk,
}


def _batch(chance: random.Random, count: int, size: int) -> job_service_pb2.PushJobsRequest:
    payload = chance.randbytes(size)
    spec = job_pb2.JobSpec(queue=CROWD_QUEUE, name="crowd", payload=payload, max_crashes=100)
    return job_service_pb2.PushJobsRequest(jobs=[spec] * count)


async def _fill(channel: grpc.aio.Channel, chance: random.Random, count: int, size: int) -> None:
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    for _ in range(count // 1000):
        await jobs.PushJobs(_batch(chance, 1000, size), timeout=CALL_WITHIN_S)


def _opening(worker: str) -> work_service_pb2.WorkRequest:
    return work_service_pb2.WorkRequest(
        open=work_service_pb2.OpenSession(
            queues=[CROWD_QUEUE], worker=worker, lease=Duration(seconds=1), resume_grace=Duration(seconds=1)
        )
    )


async def _opening_and_credits() -> AsyncIterator[work_service_pb2.WorkRequest]:
    yield _opening("gone")
    yield work_service_pb2.WorkRequest(credits=work_service_pb2.AddCredits(credits=50))


async def _read_all(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass
