"""The event stream resumes where it broke, and gives up when it must."""

from __future__ import annotations

import asyncio
import threading

import grpc
import pytest
from scripted import Refusal, ScriptedServer

import rockqueue
from rockqueue import Client, SyncClient
from rockqueue.v1.event_service_pb2 import EVENT_TYPE_JOB_PUSHED, Event, WatchEventsResponse


def response(*numbers: int, cursor: str = "") -> WatchEventsResponse:
    events = [Event(cursor=f"c{n}", type=EVENT_TYPE_JOB_PUSHED, job_id=f"j{n}") for n in numbers]
    return WatchEventsResponse(events=events, cursor=cursor or f"c{numbers[-1]}")


CHECKPOINT = WatchEventsResponse(cursor="c0")
BROKEN = Refusal(grpc.StatusCode.UNAVAILABLE)


async def test_a_broken_stream_goes_on_after_the_last_event(client: Client, server: ScriptedServer) -> None:
    server.watches = [[CHECKPOINT, response(1, 2), BROKEN], [BROKEN], [response(3), response(4)]]
    async with client.events(queues=["q"]) as events:
        assert events.cursor == "c0"
        got = [(await asyncio.wait_for(anext(events), 10)).job_id for _ in range(4)]
        assert got == ["j1", "j2", "j3", "j4"]
        assert events.cursor == "c4"
    requests = server.of("WatchEvents")
    assert [request.cursor for request in requests] == ["", "c2", "c2"]
    assert all(list(request.filter.queues) == ["q"] for request in requests)


async def test_the_cursor_stands_after_the_event_that_was_handed_out(client: Client, server: ScriptedServer) -> None:
    server.watches = [[response(1, 2, cursor="c9")]]
    async with client.events(beginning=True) as events:
        await anext(events)
        assert events.cursor == "c1"
        await anext(events)
        assert events.cursor == "c9"
    assert server.of("WatchEvents")[0].beginning


async def test_an_expired_cursor_ends_the_stream(client: Client, server: ScriptedServer) -> None:
    server.watches = [[Refusal(grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED", {"earliest_cursor": "e"})]]
    with pytest.raises(rockqueue.CursorExpired) as caught:
        await anext(client.events(after="old"))
    assert caught.value.earliest_cursor == "e"


async def test_a_wait_that_is_cancelled_loses_nothing(client: Client, server: ScriptedServer) -> None:
    gate = threading.Event()
    server.watches = [[CHECKPOINT, gate, response(1)]]
    events = client.events()
    waiting = asyncio.ensure_future(anext(events))
    await server.until(lambda: bool(server.of("WatchEvents")))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()
    assert (await asyncio.wait_for(anext(events), 10)).job_id == "j1"
    await events.aclose()
    await events.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_unknown_events_are_skipped(client: Client, server: ScriptedServer) -> None:
    strange = WatchEventsResponse(events=[Event(cursor="c1", type=999)], cursor="c1")  # type: ignore[arg-type]
    server.watches = [[strange, response(2)]]
    async with client.events(beginning=True) as events:
        assert (await anext(events)).job_id == "j2"


async def test_the_sync_stream(server: ScriptedServer) -> None:
    server.watches = [[CHECKPOINT, response(1), BROKEN], [response(2)]]

    def read() -> list[str]:
        with SyncClient(server.url) as client, client.events() as events:
            return [next(events).job_id, next(events).job_id]

    assert await asyncio.wait_for(asyncio.to_thread(read), 10) == ["j1", "j2"]
    assert threading.active_count() < 20


def test_a_cursor_and_the_beginning_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="exclude"):
        Client().events(after="c", beginning=True)
    with pytest.raises(ValueError, match="NOPE"):
        Client().events(types=["NOPE"])


async def test_a_stream_is_closed_while_it_waits_for_events(client: Client, server: ScriptedServer) -> None:
    del server
    for _ in range(20):
        stream = client.events(beginning=True)
        reading = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await stream.aclose()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
