"""The pytest fixture for users."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

import rockqueue
from rockqueue import JobState, Worker
from rockqueue.testing import RockQueueServer, rockqueue_server

__all__ = ["rockqueue_server"]


async def test_time_is_turned(rockqueue_server: RockQueueServer) -> None:
    async with rockqueue_server.client() as client:
        pushed = await client.push("q", "n", delay=timedelta(days=30))
        assert (await client.get(pushed.id)).state is JobState.DELAYED
        before = await rockqueue_server.now()
        after = await rockqueue_server.advance(timedelta(days=30))
        assert after - before >= timedelta(days=30)
        assert (await client.get(pushed.id)).state is JobState.WAITING
        assert await rockqueue_server.problems() == []


async def test_retries_come_when_their_time_has_come(rockqueue_server: RockQueueServer) -> None:
    attempts: list[int] = []

    async def flaky(ctx: rockqueue.JobContext, payload: object) -> str:
        del payload
        attempts.append(ctx.attempt)
        if ctx.attempt < 3:
            raise ValueError("not yet")
        return "done"

    await rockqueue_server.freeze()
    async with rockqueue_server.client() as client, Worker(client, handlers={"flaky": flaky}, queues=["q"]):
        async with client.events(types=["JOB_DELAYED"]) as events:
            retry = rockqueue.RetryPolicy(kind="fixed", base=60, jitter=0)
            pushed = await client.push("q", "flaky", retry=retry)
            for count in (1, 2):
                await asyncio.wait_for(anext(events), 10)
                assert len(attempts) == count
                await rockqueue_server.advance(60)
        assert await client.result(pushed.id, timeout=10) == "done"
    assert attempts == [1, 2, 3]


def test_sync_tests_use_it_too(rockqueue_server: RockQueueServer) -> None:
    with rockqueue_server.sync_client() as client:
        assert client.push("q", "n").id
        assert client.server_info().version


async def test_a_server_that_is_not_open_says_so() -> None:
    with pytest.raises(RuntimeError, match="with"):
        await RockQueueServer("nowhere").advance(1)
