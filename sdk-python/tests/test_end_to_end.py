"""The whole way, against the real core: embedded, and behind a real server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import rockqueue
from rockqueue import Client, EventType, JobContext, JobState, NewJob, SyncClient, Worker
from rockqueue._runtime import Runtime
from rockqueue._transport.embedded import open_embedded
from rockqueue_server.api.server import serve
from rockqueue_server.core import Core


@rockqueue.job(queue="mail", max_attempts=2)
async def send_email(ctx: JobContext, to: str, subject: str = "Hello") -> dict[str, str]:
    ctx.log(f"to {to}")
    if "@" not in to:
        raise rockqueue.NonRetryable(f"{to} is not an address")
    return {"to": to, "subject": subject}


@asynccontextmanager
async def served(directory: Path) -> AsyncGenerator[str]:
    core = await Core.open(directory)
    async with serve(core) as running:
        yield f"rockqueue://{running.address}"
        await core.drain(0)
    await core.close()


@pytest.fixture(params=["embedded", "served"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "embedded":
        yield f"embedded:{tmp_path}/jobs.db"
        return
    async with served(tmp_path / "jobs.db") as address:
        yield address


async def test_push_work_result(url: str) -> None:
    async with Client(url) as client, Worker(client, jobs=[send_email]):
        pushed = await send_email.push(client, to="ada@example.com")
        assert await client.result(pushed.id, timeout=10) == {"to": "ada@example.com", "subject": "Hello"}
        job = await client.get(pushed.id)
        assert (job.state, job.attempt, job.payload) == (JobState.COMPLETED, 1, {"to": "ada@example.com"})
        assert [line.text for line in (await client.logs(pushed.id)).lines] == ["to ada@example.com"]


async def test_a_hopeless_job_is_dead_and_can_be_put_back(url: str) -> None:
    async with Client(url) as client:
        async with Worker(client, jobs=[send_email]):
            pushed = await send_email.push(client, to="nobody")
            with pytest.raises(rockqueue.JobFailed) as caught:
                await client.result(pushed.id, timeout=10)
        job = caught.value.job
        assert (job.state, job.dead_reason) == (JobState.DEAD, "NON_RETRYABLE")
        assert job.errors[0].type == "NonRetryable"
        assert "test_end_to_end.py" in job.errors[0].stack
        assert [one.id async for one in client.list(queue="mail", state="DEAD")] == [pushed.id]
        await client.retry(pushed.id)
        assert (await client.get(pushed.id)).state is JobState.WAITING


async def test_outcomes(url: str) -> None:
    seen: list[tuple[str, int]] = []

    async def flaky(ctx: JobContext, payload: str) -> str:
        seen.append((payload, ctx.attempt))
        if ctx.attempt == 1:
            if payload == "snooze":
                raise rockqueue.Snooze(0)
            if payload == "release":
                raise rockqueue.Release
            if payload == "retry":
                raise rockqueue.RetryAfter(0, "later")
            raise ValueError(payload)
        return f"{ctx.failures} failures"

    retry = rockqueue.RetryPolicy(base=0)
    async with Client(url) as client, Worker(client, handlers={"flaky": flaky}, queues=["q"]):
        kinds = ["snooze", "release", "retry", "raise"]
        jobs = await client.push_many([NewJob("q", "flaky", kind, retry=retry) for kind in kinds])
        results = [await client.result(job.id, timeout=10) for job in jobs]
    assert results == ["0 failures", "0 failures", "1 failures", "1 failures"]


async def test_follow_ups_are_pushed_with_the_completion(url: str) -> None:
    def parent(ctx: JobContext, payload: object) -> None:
        del payload
        ctx.follow_up(NewJob("q", "child", {"of": ctx.id}))

    async def child(payload: dict[str, str]) -> str:
        return payload["of"]

    async with Client(url) as client, Worker(client, handlers={"parent": parent, "child": child}, queues=["q"]):
        async with client.events(types=[EventType.JOB_COMPLETED], names=["child"]) as events:
            pushed = await client.push("q", "parent")
            event = await asyncio.wait_for(anext(events), 10)
        assert await client.result(event.job_id, timeout=10) == pushed.id


async def test_cancel_reaches_the_handler(url: str) -> None:
    began = asyncio.Event()

    async def hang(payload: object) -> None:
        del payload
        began.set()
        await asyncio.Event().wait()

    async with Client(url) as client, Worker(client, handlers={"hang": hang}, queues=["q"]):
        pushed = await client.push("q", "hang")
        await asyncio.wait_for(began.wait(), 10)
        await client.cancel(pushed.id)
        assert (await client.wait(pushed.id, timeout=10)).state is JobState.CANCELLED


async def test_a_payload_that_cannot_be_decoded_is_dead_at_once(url: str) -> None:
    async with Client(url) as client, Worker(client, jobs=[send_email]):
        wrong = await client.push("mail", "send_email", {"address": "ada@example.com"})
        job = await client.wait(wrong.id, timeout=10)
    assert (job.state, job.attempt) == (JobState.DEAD, 1)
    assert "missing to" in job.errors[0].message
    assert "unknown address" in job.errors[0].message


async def test_an_unknown_job_waits_for_a_worker_that_knows_it(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with Client(url) as client, Worker(client, jobs=[send_email]):
        async with client.events(types=["JOB_SNOOZED"]) as events:
            strange = [await client.push("mail", "strange"), await client.push("mail", "strange")]
            for _ in strange:
                await asyncio.wait_for(anext(events), 10)
        job = await client.get(strange[0].id)
        known = await send_email.push(client, to="ada@example.com")
        await client.result(known.id, timeout=10)
    assert (job.state, job.failures, job.snoozes) == (JobState.DELAYED, 0, 1)
    assert [record.message for record in caplog.records if "'strange'" in record.message] == [
        record.message for record in caplog.records if "no handler" in record.message
    ][:1]


async def test_a_worker_that_stops_gives_its_jobs_back_uncharged(url: str) -> None:
    began = asyncio.Event()

    async def hang(payload: object) -> None:
        del payload
        began.set()
        await asyncio.Event().wait()

    async with Client(url) as client:
        jobs = await client.push_many([NewJob("q", "hang") for _ in range(5)])
        worker = Worker(client, handlers={"hang": hang}, queues=["q"], concurrency=2, grace=0)
        async with worker:
            await asyncio.wait_for(began.wait(), 10)
        for pushed in jobs:
            job = await client.get(pushed.id)
            assert (job.state, job.failures, job.crashes) == (JobState.WAITING, 0, 0)


async def test_queues(url: str) -> None:
    async with Client(url) as client:
        await client.push("a", "n")
        await client.push("b", "n", delay=60)
        assert [queue.name async for queue in client.queues.list()] == ["a", "b"]
        assert (await client.queues.get("b")).counts.delayed == 1
        assert (await client.queues.pause("a")).paused
        assert not (await client.queues.resume("a")).paused
        queue = await client.queues.update("a", max_active=3, default_lease=60, default_retry=rockqueue.RetryPolicy())
        assert queue.max_active == 3
        assert (await client.queues.update("a", reset=["max_active"])).max_active is None
        limited = await client.queues.update("a", max_backlog_jobs=100, max_backlog_bytes=1000)
        assert (limited.max_backlog_jobs, limited.max_backlog_bytes) == (100, 1000)
        assert 0 < limited.backlog_bytes < 100
        with pytest.raises(rockqueue.QueueFull) as full:
            await client.push_many([NewJob("a", "n", "x" * 1000)], timeout=0.5)
        assert full.value.metadata["setting"] == "max_backlog_bytes"
        assert await client.queues.purge("a") == 1
        with pytest.raises(rockqueue.QueueNotFound):
            await client.queues.get("none")


async def test_jobs_by_filter_and_in_bulk(url: str) -> None:
    async with Client(url) as client:
        jobs = await client.push_many([NewJob("q", "n", n, tags=[f"t{n % 2}"], priority=n) for n in range(10)])
        found = [job async for job in client.list(tags=["t1"], page_size=2, include_payload=True)]
        assert [job.payload for job in found] == [1, 3, 5, 7, 9]
        newest = [job.id async for job in client.list(queue="q", newest_first=True)]
        assert newest == [job.id for job in reversed(jobs)]
        assert await client.cancel_all(queue="q", tags=["t0"], dry_run=True) == 5
        assert await client.cancel_all(queue="q", tags=["t0"]) == 5
        result = await client.retry_many([jobs[0].id, jobs[1].id])
        assert result.affected == 1
        assert isinstance(result.failures[jobs[1].id], rockqueue.InvalidState)
        assert await client.delete_all(state=JobState.CANCELLED) == 4
        with pytest.raises(rockqueue.JobNotFound):
            await client.delete(jobs[2].id)
        assert len([job async for job in client.list()]) == 6


async def test_options_reach_the_server(url: str) -> None:
    async with Client(url) as client:
        begun = datetime.now(UTC)
        pushed = await client.push(
            "q",
            "n",
            {"x": 1},
            priority=-3,
            delay=timedelta(hours=1),
            ttl=7200,
            timeout=5,
            retry=rockqueue.RetryPolicy(kind="linear", base=2, max_delay=9, jitter=0, max_attempts=7),
            max_crashes=4,
            unique=rockqueue.Unique("k", scope="queue_and_name", window=60),
            headers={"tenant": "t"},
            tags=["a", "b"],
            cancel_grace=1,
            retention=30,
        )
        again = await client.push("q", "n", unique=rockqueue.Unique("k", scope="queue_and_name"))
        assert (again.id, again.existing) == (pushed.id, True)
        job = await client.get(pushed.id)
        spec = job.proto.spec
        assert (job.state, job.priority, job.headers, job.tags) == (JobState.DELAYED, -3, {"tenant": "t"}, ("a", "b"))
        assert job.ready_time is not None
        assert timedelta(0) <= job.ready_time - begun - timedelta(hours=1) < timedelta(seconds=10)
        assert (spec.timeout.seconds, spec.cancel_grace.seconds, spec.retention.seconds) == (5, 1, 30)
        assert (spec.retry.kind, spec.retry.base.seconds, spec.retry.max_delay.seconds) == (2, 2, 9)
        assert (spec.retry.jitter, spec.retry.max_attempts, spec.max_crashes) == (0, 7, 4)


async def test_events_resume_at_a_cursor(url: str) -> None:
    async with Client(url) as client:
        async with client.events(queues=["q"], types=["JOB_PUSHED"]) as events:
            jobs = await client.push_many([NewJob("q", "n", number) for number in range(5)])
            first = [await asyncio.wait_for(anext(events), 10) for _ in range(2)]
            cursor = events.cursor
        async with client.events(queues=["q"], types=["JOB_PUSHED"], after=cursor) as events:
            rest = [await asyncio.wait_for(anext(events), 10) for _ in range(3)]
        assert [event.job_id for event in first + rest] == [job.id for job in jobs]


async def test_the_sync_client_does_the_same(url: str) -> None:
    def story() -> None:
        with SyncClient(url) as client:
            pushed = send_email.push(client, to="ada@example.com")
            assert client.push_many([NewJob("q", "n")])[0].id
            assert client.get(pushed.id).state is JobState.WAITING
            assert [job.id for job in client.list(queue="mail")] == [pushed.id]
            assert [queue.name for queue in client.queues.list()] == ["mail", "q"]
            assert client.wait(pushed.id, timeout=0).state is JobState.WAITING

    with pytest.raises(rockqueue.DeadlineExceeded):
        await asyncio.to_thread(story)


async def test_messages_in_and_out(url: str) -> None:
    from rockqueue.v1.job_pb2 import JobSpec
    from rockqueue.v1.job_service_pb2 import GetJobRequest, PushJobsRequest

    async with Client(url) as client:
        pushed = await client.raw.push_jobs(PushJobsRequest(jobs=[JobSpec(queue="q", name="n")]))
        got = await client.raw.get_job(GetJobRequest(job_id=pushed.jobs[0].job_id))
        assert got.job.spec.name == "n"


async def test_jobs_survive_the_end_of_the_client(tmp_path: Path) -> None:
    url = f"embedded:{tmp_path}/jobs.db"
    async with Client(url) as client:
        pushed = await client.push("q", "n", 1)
    async with Client(url) as client:
        assert (await client.get(pushed.id)).payload == 1


async def test_two_clients_in_a_process_share_the_store(tmp_path: Path) -> None:
    first, second = Client(f"embedded:{tmp_path}/jobs.db"), Client(f"embedded:{tmp_path}/./jobs.db")
    pushed = await first.push("q", "n")
    assert (await second.get(pushed.id)).name == "n"
    await first.close()
    assert (await second.get(pushed.id)).name == "n"
    await second.close()


async def test_a_store_that_another_process_holds_says_so(tmp_path: Path) -> None:
    program = (
        "import sys, rockqueue\n"
        "try:\n"
        "    rockqueue.SyncClient(sys.argv[1]).push('q', 'n')\n"
        "except rockqueue.EmbeddedError as error:\n"
        "    print('refused:', error)\n"
    )
    url = f"embedded:{tmp_path}/jobs.db"
    async with Client(url):
        command = [sys.executable, "-c", program, url]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.startswith("refused: "), done.stderr


async def test_a_missing_server_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rockqueue_server.core", None)
    with pytest.raises(rockqueue.EmbeddedError, match=r"pip install \"rockqueue\[server\]\""):
        await open_embedded(str(tmp_path))


async def test_a_store_that_cannot_be_opened_can_be_tried_again(tmp_path: Path) -> None:
    attempts = 0

    async def open_once() -> object:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise rockqueue.EmbeddedError("not yet")
        return await open_embedded(str(tmp_path / "jobs.db"))

    runtime = Runtime(open_once)  # type: ignore[arg-type]
    with pytest.raises(rockqueue.EmbeddedError):
        await runtime.run(runtime.transport())
    await runtime.run(runtime.transport())
    await runtime.release()
