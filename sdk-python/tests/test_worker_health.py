"""What heartbeats tell: handlers that do not end, and a loop that is late."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time

import pytest
from playing import runs
from scripted import ScriptedServer, Talk, delivery, eventually

from rockqueue import Client, SessionState, Worker
from rockqueue._worker.health import TICK_S, LoopWatch
from rockqueue.testing import RockQueueServer
from rockqueue.v1.work_service_pb2 import Heartbeat, OpenSession


async def test_a_session_says_where_it_is(client: Client, server: ScriptedServer) -> None:
    opened: list[OpenSession] = []

    async def script(talk: Talk) -> None:
        opened.append(await talk.opened())
        await talk.drained()

    done = runs(server, script)
    async with Worker(client, handlers={"work": _nothing}, queues=["q"]):
        await server.until(lambda: bool(opened))
    await asyncio.wait_for(done, 10)
    assert (opened[0].host, opened[0].pid) == (socket.gethostname(), os.getpid())


async def _nothing(payload: object) -> None:
    del payload


@pytest.mark.parametrize("blocking", [False, True], ids=["waiting", "blocking the loop"])
async def test_a_stuck_handler_is_told_and_logged_once(
    client: Client, server: ScriptedServer, caplog: pytest.LogCaptureFixture, *, blocking: bool
) -> None:
    free = threading.Event()
    beats: list[Heartbeat] = []

    async def handler(payload: object) -> None:
        del payload
        if blocking:
            free.wait(10)
        while not free.is_set():  # noqa: ASYNC110 - it is set by another thread
            await asyncio.sleep(0.01)

    async def script(talk: Talk) -> None:
        talk.beats = beats
        await talk.opened(interval_s=0.4)
        await talk.credits_of(20)
        await talk.deliver(delivery(1))
        await eventually(lambda: len([beat for beat in beats if list(beat.stuck_leases) == [b"t1"]]) > 1)
        free.set()
        await talk.settlements()
        seen = len(beats)
        await eventually(lambda: len(beats) > seen)
        await talk.drained()

    done = runs(server, script)
    with caplog.at_level(logging.WARNING, "rockqueue"):
        async with Worker(client, handlers={"work": handler}, queues=["q"], stuck_after=0.1):
            await server.until(lambda: len(beats) > 2 and not beats[-1].stuck_leases and free.is_set())
        await asyncio.wait_for(done, 10)
    warnings = [one.getMessage() for one in caplog.records if "stuck" in one.getMessage()]
    assert warnings == ["<job work job-1 attempt 1> has run for more than 0.1 s and may be stuck"]
    late = max(beat.loop_lag.ToTimedelta().total_seconds() for beat in beats)
    if blocking:
        assert late >= 0.1
    assert all(beat.HasField("loop_lag") for beat in beats)


@pytest.mark.parametrize("stuck_after", [None, 0])
async def test_it_can_be_switched_off(client: Client, server: ScriptedServer, stuck_after: float | None) -> None:
    beats: list[Heartbeat] = []
    free = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def handler(payload: object) -> None:
        del payload
        await free.wait()

    async def script(talk: Talk) -> None:
        talk.beats = beats
        await talk.opened(interval_s=0.2)
        await talk.credits_of(20)
        await talk.deliver(delivery(1))
        await eventually(lambda: len(beats) >= 3)
        loop.call_soon_threadsafe(free.set)
        await talk.settlements()
        await talk.drained()

    done = runs(server, script)
    async with Worker(client, handlers={"work": handler}, queues=["q"], stuck_after=stuck_after):
        await asyncio.wait_for(free.wait(), 10)
    await asyncio.wait_for(done, 10)
    assert [beat for beat in beats if beat.stuck_leases] == []


async def test_the_lag_of_a_loop_is_how_late_it_was_at_most() -> None:
    watch = LoopWatch()
    try:
        await asyncio.sleep(0)
        assert watch.take_lag_s() < TICK_S
        begun = time.monotonic()
        time.sleep(3 * TICK_S)  # noqa: ASYNC251 - that is the point
        # While it is blocked: the tick is overdue by all but the time in which it was not due yet.
        blocked = watch.take_lag_s()
        assert 2 * TICK_S <= blocked <= time.monotonic() - begun + TICK_S
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        # The tick came late, and counts once.
        assert watch.take_lag_s() >= 2 * TICK_S
        assert watch.take_lag_s() < 2 * TICK_S
    finally:
        watch.stop()


async def test_workers_are_listed(rockqueue_server: RockQueueServer) -> None:
    async with rockqueue_server.client() as client:
        async with Worker(client, handlers={"n": _nothing}, queues=["q"], name="w-1", concurrency=3, prefetch=0):
            async with client.events(types=["WORKER_JOINED"], beginning=True) as events:
                await anext(events)
            found = [one async for one in client.workers("q")]
        worker = found[0]
        assert (worker.name, worker.state, worker.queues) == ("w-1", SessionState.RUNNING, ("q",))
        assert (worker.host, worker.pid, worker.active) == (socket.gethostname(), os.getpid(), 0)
        assert worker.client.startswith("rockqueue-python/")
        assert worker.stuck_job_ids == ()
        assert worker.join_time is not None
        assert [one async for one in client.workers()] == []
