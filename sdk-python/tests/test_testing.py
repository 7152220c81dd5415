"""The pytest fixture for users."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import rockqueue
from rockqueue import JobState, Worker
from rockqueue.testing import RockQueueServer


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


PROJECT = """
import pytest
import rockqueue

@rockqueue.job(queue="mail")
def remind(to: str) -> str:
    return f"reminded {to}"

@pytest.mark.anyio
async def test_a_reminder_comes_tomorrow(rockqueue_server):
    await rockqueue_server.freeze()
    async with rockqueue_server.client() as client:
        job = await remind.options(delay=86_400).push(client, to="ada")
        await rockqueue_server.advance(86_399)
        assert (await client.get(job.id)).state == "DELAYED"
        await rockqueue_server.advance(1)
        async with rockqueue.Worker(client, jobs=[remind]):
            assert await client.result(job.id, timeout=10) == "reminded ada"

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


def test_the_fixture_is_there_in_an_empty_project(tmp_path: Path) -> None:
    (tmp_path / "test_reminders.py").write_text(PROJECT)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_costs_nothing_until_it_is_used() -> None:
    program = "import sys, rockqueue.testing._fixture; print('grpc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "False"
