"""The worker's algorithm on the wire: credits, settlements, reconnects, heartbeats."""

from __future__ import annotations

import asyncio
import threading
import time

import grpc
import pytest
from playing import echo, runs, settled_count, settled_somehow
from scripted import Break, Refusal, ScriptedServer, Talk, delivery

import rockqueue
from rockqueue import Client, JobContext, Worker, WorkerState
from rockqueue.v1.work_service_pb2 import (
    OpenSession,
)


async def test_a_job_is_delivered_run_and_completed(client: Client, server: ScriptedServer) -> None:
    opened: list[OpenSession] = []

    async def script(talk: Talk) -> None:
        opened.append(await talk.opened())
        await talk.credits_of(20)
        await talk.deliver(delivery(1, payload=b'{"a":1}'))
        settled = await talk.settlements()
        assert settled[0].lease_token == b"t1"
        assert settled[0].complete.result == b'{"a":1}'
        assert settled[0].complete.result_content_type == "application/json"
        await talk.drained()

    done = runs(server, script)
    worker = Worker(client, handlers={"work": echo}, queues=["q", "r"], name="w-1", lease=60, resume_grace=5)
    async with worker:
        await server.until(lambda: bool(opened))
        await asyncio.sleep(0)
        assert worker.state is WorkerState.RUNNING
        await settled_somehow(worker)
    await asyncio.wait_for(done, 10)
    assert worker.state is WorkerState.STOPPED
    assert list(opened[0].queues) == ["q", "r"]
    assert (opened[0].worker, opened[0].session_id) == ("w-1", "")
    assert (opened[0].lease.seconds, opened[0].resume_grace.seconds) == (60, 5)
    assert opened[0].client.startswith("rockqueue-python/")


async def test_credits_travel_with_the_settlements_that_freed_them(client: Client, server: ScriptedServer) -> None:
    async def script(talk: Talk) -> None:
        await talk.opened()
        await talk.credits_of(1)
        for number in range(5):
            await talk.deliver(delivery(number))
            request = await talk.expect("settlements")
            assert request.settlements.credits == 1
            assert request.settlements.sequence == number + 1
            await talk.answer(request.settlements)
        await talk.drained()

    done = runs(server, script)
    async with Worker(client, handlers={"work": echo}, queues=["q"], concurrency=1, prefetch=0) as worker:
        await settled_count(worker, 5)
    await asyncio.wait_for(done, 10)


async def test_what_finishes_together_is_settled_together(client: Client, server: ScriptedServer) -> None:
    batches: list[int] = []

    async def script(talk: Talk) -> None:
        await talk.opened()
        await talk.credits_of(100)
        await talk.deliver(*[delivery(number) for number in range(100)])
        while sum(batches) < 100:
            request = await talk.expect("settlements")
            batches.append(len(request.settlements.settlements))
            await talk.answer(request.settlements)
        await talk.drained()

    done = runs(server, script)
    async with Worker(client, handlers={"work": echo}, queues=["q"], concurrency=100, prefetch=0):
        await server.until(lambda: sum(batches) == 100)
    await asyncio.wait_for(done, 10)
    assert len(batches) <= 5


async def test_a_broken_stream_is_resumed_and_what_was_not_answered_is_sent_again(
    client: Client, server: ScriptedServer
) -> None:
    release = asyncio.Event()

    async def handler(payload: int) -> int:
        if payload == 2:
            await release.wait()
        return payload

    resumed: list[OpenSession] = []
    loop = asyncio.get_running_loop()

    async def first(talk: Talk) -> None:
        await talk.opened("s-7")
        await talk.credits_of(4)
        await talk.deliver(delivery(1, payload=b"1"), delivery(2, payload=b"2"))
        await talk.expect("settlements")
        raise Break

    async def second(talk: Talk) -> None:
        resumed.append(await talk.opened("s-7", resumed=True))
        request = await talk.expect("settlements")
        assert [one.lease_token for one in request.settlements.settlements] == [b"t1"]
        # The window without the one delivery that is still running.
        assert request.settlements.credits == 3
        await talk.answer(request.settlements)
        loop.call_soon_threadsafe(release.set)
        assert (await talk.settlements())[0].lease_token == b"t2"
        await talk.drained()

    done = runs(server, first, second)
    async with Worker(client, handlers={"work": handler}, queues=["q"], concurrency=2) as worker:
        await asyncio.wait_for(release.wait(), 10)
        await settled_count(worker, 3)
    await asyncio.wait_for(done, 10)
    assert resumed[0].session_id == "s-7"
    assert sorted(resumed[0].held_leases) == [b"t1", b"t2"]


async def test_a_lease_lost_on_resume_cancels_its_handler_and_drops_its_outcome(
    client: Client, server: ScriptedServer
) -> None:
    cancelled = asyncio.Event()

    async def handler(ctx: JobContext, payload: object) -> None:
        del payload
        try:
            await asyncio.Event().wait()
        finally:
            assert ctx.cancelled.is_set()
            cancelled.set()

    async def first(talk: Talk) -> None:
        await talk.opened()
        await talk.credits_of(2)
        await talk.deliver(delivery(1))
        raise Break

    async def second(talk: Talk) -> None:
        await talk.opened(resumed=True, lost=(b"t1",))
        await talk.drained()

    done = runs(server, first, second)
    async with Worker(client, handlers={"work": handler}, queues=["q"], concurrency=1):
        await asyncio.wait_for(cancelled.wait(), 10)
        await server.until(lambda: server.streams == 2)
    await asyncio.wait_for(done, 10)


async def test_a_session_that_was_not_found_loses_every_lease(client: Client, server: ScriptedServer) -> None:
    cancelled = asyncio.Event()

    async def handler(payload: object) -> None:
        del payload
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def first(talk: Talk) -> None:
        await talk.opened("old")
        await talk.credits_of(2)
        await talk.deliver(delivery(1))
        raise Break

    async def second(talk: Talk) -> None:
        await talk.opened("new", resumed=False, lost=(b"t1",))
        await talk.drained()

    done = runs(server, first, second)
    async with Worker(client, handlers={"work": handler}, queues=["q"], concurrency=1):
        await asyncio.wait_for(cancelled.wait(), 10)
    await asyncio.wait_for(done, 10)


async def test_a_session_that_was_taken_over_is_not_resumed(client: Client, server: ScriptedServer) -> None:
    sessions: list[str] = []

    async def first(talk: Talk) -> None:
        await talk.opened("taken")
        raise Break(Refusal(grpc.StatusCode.ABORTED, "SESSION_TAKEN", {"session_id": "taken"}))

    async def second(talk: Talk) -> None:
        sessions.append((await talk.opened("fresh")).session_id)
        await talk.drained()

    done = runs(server, first, second)
    async with Worker(client, handlers={"work": echo}, queues=["q"]):
        await server.until(lambda: len(sessions) == 1)
    await asyncio.wait_for(done, 10)
    assert sessions == [""]


async def test_a_silent_server_is_left_after_two_heartbeats(client: Client, server: ScriptedServer) -> None:
    async def mute(talk: Talk) -> None:
        await talk.opened(interval_s=0.1)
        talk.mute = True
        await talk.expect("credits")
        while await talk.next() is not None:
            pass

    async def second(talk: Talk) -> None:
        request = await talk.opened(resumed=True)
        assert request.session_id == "s-1"
        await talk.drained()

    done = runs(server, mute, second)
    async with Worker(client, handlers={"work": echo}, queues=["q"]):
        await server.until(lambda: server.streams == 2)
    await asyncio.wait_for(done, 10)


async def test_heartbeats_go_on_while_a_handler_blocks_the_loop(client: Client, server: ScriptedServer) -> None:
    beats: list[int] = []
    began = threading.Event()

    async def block(payload: object) -> None:
        del payload
        began.set()
        time.sleep(0.6)  # noqa: ASYNC251 - what this test is about

    async def script(talk: Talk) -> None:
        await talk.opened(interval_s=0.05)
        await talk.expect("credits")
        await talk.deliver(delivery(1))
        await asyncio.to_thread(began.wait, 5)
        before = talk.heartbeats
        await talk.settlements()
        beats.append(talk.heartbeats - before)
        await talk.drained()

    done = runs(server, script)
    async with Worker(client, handlers={"work": block}, queues=["q"]) as worker:
        await settled_count(worker, 1)
    await asyncio.wait_for(done, 10)
    assert beats[0] >= 6
    assert server.streams == 1


async def test_an_error_that_no_reconnect_mends_fails_the_worker(client: Client, server: ScriptedServer) -> None:
    async def script(talk: Talk) -> None:
        await talk.expect("open")
        raise Break(Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "open.queues[0]"}))

    done = runs(server, script)
    worker = Worker(client, handlers={"work": echo}, queues=["not a queue"])
    with pytest.raises(rockqueue.InvalidRequest):
        await asyncio.wait_for(worker.run(install_signal_handlers=False), 10)
    assert worker.state is WorkerState.FAILED
    await asyncio.wait_for(done, 10)


async def test_reconnects_wait_longer_and_longer(client: Client, server: ScriptedServer) -> None:
    async with Worker(client, handlers={"work": echo}, queues=["q"], resume_grace=0):
        begun = time.monotonic()
        await server.until(lambda: server.streams >= 3)
        # At once, after 100 ms, after 200 ms; each times at least 0.5.
        assert time.monotonic() - begun >= 0.04
        assert server.streams <= 4
