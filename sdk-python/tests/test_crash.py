"""The server dies and comes back: nothing is lost, and nothing is charged to a job."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from server_process import server_process

from rockqueue import Client, EventType, JobState, NewJob, Worker


@pytest.mark.timeout(90)
async def test_a_worker_keeps_its_jobs_over_kill_9_of_the_server(tmp_path: Path) -> None:
    began, release = asyncio.Event(), asyncio.Event()

    async def handler(payload: int) -> int:
        if payload == 0:
            began.set()
            await release.wait()
        return payload

    async with Client(f"unix://{tmp_path}/s.sock", timeout=40) as client:
        async with server_process(tmp_path) as first:
            worker = Worker(client, handlers={"n": handler}, queues=["q"], concurrency=4)
            await worker.start()
            jobs = await client.push_many([NewJob("q", "n", number) for number in range(10)])
            await asyncio.wait_for(began.wait(), 20)
            await client.wait(jobs[-1].id, timeout=20)
            os.kill(first.pid, signal.SIGKILL)
            await asyncio.to_thread(first.wait)
        # Nobody answers: this push waits, and is made once.
        pushing = asyncio.ensure_future(client.push("q", "n", 10))
        async with server_process(tmp_path):
            jobs.append(await asyncio.wait_for(pushing, 40))
            release.set()
            results = [await client.result(job.id, timeout=30) for job in jobs]
            assert results == list(range(11))
            found = [job async for job in client.list(queue="q")]
            assert [job.id for job in found] == [job.id for job in jobs]
            assert {(job.state, job.attempt, job.crashes) for job in found} == {(JobState.COMPLETED, 1, 0)}
            await worker.stop()


@pytest.mark.timeout(90)
async def test_events_go_on_over_a_restart_of_the_server(tmp_path: Path) -> None:
    async with Client(f"unix://{tmp_path}/s.sock", timeout=40) as client:
        events = client.events(queues=["q"], types=[EventType.JOB_PUSHED])
        got: list[str] = []
        pushed: list[str] = []
        for _ in range(2):
            async with server_process(tmp_path) as process:
                await events.start()
                for number in range(3):
                    pushed.append((await client.push("q", "n", number)).id)
                    got.append((await asyncio.wait_for(anext(events), 20)).job_id)
                process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(process.wait, 20)
        assert got == pushed
        await events.aclose()
