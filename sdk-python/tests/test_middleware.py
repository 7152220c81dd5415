"""Middleware: what it sees and changes around pushes and handlers, and in which order."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import rockqueue
from rockqueue import (
    Client,
    JobContext,
    JobState,
    Middleware,
    NewJob,
    NextHandle,
    NextPush,
    NextPushSync,
    PushedJob,
    SyncClient,
    Worker,
)
from rockqueue.testing import RockQueueServer

USER: contextvars.ContextVar[str] = contextvars.ContextVar("USER", default="nobody")


class Tracking(Middleware):
    """Notes what passes, and marks jobs with a header."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes

    async def push(self, jobs: Sequence[NewJob], call_next: NextPush) -> list[PushedJob]:
        self.notes.append(f"{self.name} pushes {len(jobs)}")
        pushed = await call_next([self.marked(job) for job in jobs])
        self.notes.append(f"{self.name} pushed {len(pushed)}")
        return pushed

    def push_sync(self, jobs: Sequence[NewJob], call_next: NextPushSync) -> list[PushedJob]:
        self.notes.append(f"{self.name} pushes {len(jobs)}")
        pushed = call_next([self.marked(job) for job in jobs])
        self.notes.append(f"{self.name} pushed {len(pushed)}")
        return pushed

    async def handle(self, ctx: JobContext, call_next: NextHandle) -> Any:
        self.notes.append(f"{self.name} handles {ctx.name}")
        USER.set(self.name)
        try:
            return f"{self.name}({await call_next()})"
        finally:
            self.notes.append(f"{self.name} handled {ctx.name}")

    def marked(self, job: NewJob) -> NewJob:
        headers = dict(job.options.get("headers") or {})
        return job.with_options(headers={**headers, "through": f"{headers.get('through', '')}{self.name}"})


async def test_the_first_of_a_list_is_the_outermost(rockqueue_server: RockQueueServer) -> None:
    notes: list[str] = []
    a, b, c = (Tracking(name, notes) for name in "abc")

    async def work(ctx: JobContext, payload: object) -> str:
        notes.append(f"works on {ctx.name}")
        return f"{payload} for {USER.get()} through {ctx.headers['through']}"

    async with rockqueue_server.client(middleware=[a, b]) as client:
        pushed = await client.push("q", "job", 1)
        async with Worker(client, handlers={"job": work}, queues=["q"], middleware=[c]):
            assert await client.result(pushed.id, timeout=10) == "a(b(c(1 for c through ab)))"
    assert notes == [
        "a pushes 1",
        "b pushes 1",
        "b pushed 1",
        "a pushed 1",
        "a handles job",
        "b handles job",
        "c handles job",
        "works on job",
        "c handled job",
        "b handled job",
        "a handled job",
    ]


async def test_a_batch_is_one_push(rockqueue_server: RockQueueServer) -> None:
    notes: list[str] = []
    async with rockqueue_server.client(middleware=[Tracking("a", notes)]) as client:
        pushed = await client.push_many([NewJob("q", "n", number) for number in range(3)])
        assert [(await client.get(one.id)).headers for one in pushed] == [{"through": "a"}] * 3
        assert [(await client.get(one.id)).payload for one in pushed] == [0, 1, 2]
    assert notes == ["a pushes 3", "a pushed 3"]


def test_sync_pushes_pass_through_it_too(rockqueue_server: RockQueueServer) -> None:
    notes: list[str] = []
    with rockqueue_server.sync_client(middleware=[Tracking("a", notes), Tracking("b", notes)]) as client:
        one = client.push("q", "n", priority=3)
        job = client.get(one.id)
        assert (job.headers, job.priority) == ({"through": "ab"}, 3)
        assert len(client.push_many([NewJob("q", "n"), NewJob("q", "n")])) == 2
    assert notes[:4] == ["a pushes 1", "b pushes 1", "b pushed 1", "a pushed 1"]


async def test_a_middleware_may_refuse_a_push_and_turn_one_job_into_two(rockqueue_server: RockQueueServer) -> None:
    class Guard(Middleware):
        async def push(self, jobs: Sequence[NewJob], call_next: NextPush) -> list[PushedJob]:
            if any(job.name == "forbidden" for job in jobs):
                raise PermissionError("not this one")
            return (await call_next([*jobs, NewJob("audit", "pushed")]))[: len(jobs)]

    async with rockqueue_server.client(middleware=[Guard()]) as client:
        with pytest.raises(PermissionError):
            await client.push("q", "forbidden")
        await client.push("q", "allowed")
        assert [job.name async for job in client.list()] == ["allowed", "pushed"]


async def test_a_middleware_that_loses_the_answer_is_found_out(rockqueue_server: RockQueueServer) -> None:
    class Forgetful(Middleware):
        async def push(self, jobs: Sequence[NewJob], call_next: NextPush) -> list[PushedJob]:
            await call_next(jobs)
            return []

    async with rockqueue_server.client(middleware=[Forgetful()]) as client:
        with pytest.raises(RuntimeError, match="call_next"):
            await client.push("q", "n")


async def test_a_sync_handler_runs_in_its_thread_with_the_variables_of_its_middleware(
    rockqueue_server: RockQueueServer,
) -> None:
    def work(payload: object) -> str:
        del payload
        return f"{USER.get()} {threading.current_thread() is threading.main_thread()}"

    async with rockqueue_server.client() as client:
        pushed = await client.push("q", "job")
        async with Worker(client, handlers={"job": work}, queues=["q"], middleware=[Tracking("a", [])]):
            assert await client.result(pushed.id, timeout=10) == "a(a False)"


async def test_a_cancelled_sync_handler_is_waited_for_inside_its_middleware(rockqueue_server: RockQueueServer) -> None:
    began, notes = asyncio.Event(), list[str]()
    loop = asyncio.get_running_loop()

    def work(ctx: JobContext, payload: object) -> None:
        del payload
        loop.call_soon_threadsafe(began.set)
        assert ctx.cancelled.wait_in_thread(10)
        notes.append("handler gives way")
        raise rockqueue.JobCancelled

    async with (
        rockqueue_server.client() as client,
        Worker(client, handlers={"job": work}, queues=["q"], middleware=[Tracking("a", notes)]),
    ):
        pushed = await client.push("q", "job")
        await asyncio.wait_for(began.wait(), 10)
        await client.cancel(pushed.id)
        assert (await client.wait(pushed.id, timeout=10)).state is JobState.CANCELLED
    assert notes == ["a handles job", "handler gives way", "a handled job"]


async def test_a_middleware_decides_what_becomes_of_a_job(rockqueue_server: RockQueueServer) -> None:
    class NoTrying(Middleware):
        async def handle(self, ctx: JobContext, call_next: NextHandle) -> Any:
            try:
                return await call_next()
            except KeyError as error:
                raise rockqueue.NonRetryable(f"{ctx.name} has no {error}") from error

    async def work(payload: dict[str, str]) -> str:
        return payload["needed"]

    async with (
        rockqueue_server.client() as client,
        Worker(client, handlers={"job": work}, queues=["q"], middleware=[NoTrying()]),
    ):
        pushed = await client.push("q", "job", {})
        job = await client.wait(pushed.id, timeout=10)
        assert (job.dead_reason, job.errors[0].message) == ("NON_RETRYABLE", "job has no 'needed'")


class OnlyAsync(Middleware):
    async def push(self, jobs: Sequence[NewJob], call_next: NextPush) -> list[PushedJob]:
        return await call_next(jobs)


class OnlySync(Middleware):
    def push_sync(self, jobs: Sequence[NewJob], call_next: NextPushSync) -> list[PushedJob]:
        return call_next(jobs)


def echo(payload: object) -> object:
    return payload


def client_with(middleware: Any) -> Client:
    return Client(middleware=[middleware])


def sync_client_with(middleware: Any) -> SyncClient:
    return SyncClient(middleware=[middleware])


def worker_with(middleware: Any) -> Worker:
    return Worker(Client(), handlers={"n": echo}, queues=["q"], middleware=[middleware])


@pytest.mark.parametrize(
    ("make", "middleware", "message"),
    [
        (sync_client_with, OnlyAsync(), "push_sync"),
        (client_with, OnlySync(), "push_sync, but not push"),
        (client_with, OnlyAsync, "instance"),
        (worker_with, OnlyAsync(), "no handle"),
        (worker_with, echo, "instance"),
    ],
)
def test_what_would_be_ignored_is_refused(make: Callable[[Any], Any], middleware: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make(middleware)
