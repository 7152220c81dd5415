"""Pushes travel on one stream, which may refuse, answer late, fall silent and break."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.protobuf.message import Message
from scripted import Break, Refusal, ScriptedServer, push_answer, pushed

import rockqueue
from rockqueue import CallRetry, Client
from rockqueue.v1.job_service_pb2 import PushJobsRequest

SHUTTING_DOWN = Refusal(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", retry_after_s=0.001)


def payload_of(request: PushJobsRequest) -> int:
    return int(request.jobs[0].payload)


async def test_all_pushes_of_a_client_share_one_stream(client: Client, server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    await asyncio.gather(*[client.push("q", "n", number) for number in range(50)])
    await client.push_many([rockqueue.NewJob("q", "n", number) for number in range(3)])
    assert server.push_streams == 1


async def test_batches_are_sent_in_the_order_of_the_calls(client: Client, server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    await client.push("q", "n", 0)
    await asyncio.gather(*[client.push_many([rockqueue.NewJob("q", "n", number)]) for number in range(1, 40)])
    assert [payload_of(request) for request in server.of("PushJobs")] == list(range(40))


async def test_an_answer_may_overtake_another(client: Client, server: ScriptedServer) -> None:
    second_is_back = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def held(request: PushJobsRequest) -> Message:
        if payload_of(request) == 1:
            await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(second_is_back.wait(), loop).result(10))
        return pushed(request)

    server.answer("PushJobs", held)
    first = asyncio.ensure_future(client.push_many([rockqueue.NewJob("q", "n", 1)]))
    second = await client.push_many([rockqueue.NewJob("q", "n", 2)])
    assert second[0].id == "id-2"
    assert not first.done()
    second_is_back.set()
    assert (await first)[0].id == "id-1"


async def test_a_refused_batch_tells_fields_and_spares_the_others(client: Client, server: ScriptedServer) -> None:
    async def judge(request: PushJobsRequest) -> Message | Refusal:
        if payload_of(request) == 1:
            violations = (("jobs[0].priority", "is too high"),)
            metadata = {"field": "jobs[0].priority"}
            return Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", metadata, violations=violations)
        return pushed(request)

    server.answer("PushJobs", judge)
    refused, stored = await asyncio.gather(
        *[client.push_many([rockqueue.NewJob("q", "n", number)]) for number in (1, 2)], return_exceptions=True
    )
    assert isinstance(refused, rockqueue.InvalidRequest)
    assert refused.violations == (("jobs[0].priority", "is too high"),)
    assert refused.from_server
    assert not refused.outcome_unknown
    assert isinstance(stored, list)
    assert stored[0].id == "id-2"


async def test_what_a_broken_stream_did_not_answer_is_sent_again(client: Client, server: ScriptedServer) -> None:
    async def breaks(_: PushJobsRequest) -> Message:
        raise Break(SHUTTING_DOWN)

    server.answer("PushJobs", breaks, push_answer)
    assert (await client.push("q", "n", 5)).id == "id-5"
    first, second = server.of("PushJobs")
    assert first == second
    assert server.push_streams == 2


async def test_a_stream_that_ended_while_nobody_pushed_is_opened_anew(client: Client, server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    await client.push("q", "n", 1)
    server.break_pushes(SHUTTING_DOWN)
    await client.push("q", "n", 2)
    assert {payload_of(request) for request in server.of("PushJobs")} == {1, 2}


async def test_a_silent_stream_is_given_up_and_all_on_it_sent_again(server: ScriptedServer) -> None:
    async def silent(_: PushJobsRequest) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    server.answer("PushJobs", silent, silent, push_answer)
    retry = CallRetry(initial_delay=0.005, attempt_timeout=0.2)
    async with Client(server.url, retry=retry) as client:
        jobs = await asyncio.gather(*[client.push_many([rockqueue.NewJob("q", "n", number)]) for number in (1, 2)])
    assert [job[0].id for job in jobs] == ["id-1", "id-2"]
    assert server.push_streams == 2


async def test_a_stream_that_answers_others_is_kept(server: ScriptedServer) -> None:
    async def slow_for_one(request: PushJobsRequest) -> Message:
        if payload_of(request) == 1 and len(server.of("PushJobs")) < 3:
            await asyncio.Event().wait()
        return pushed(request)

    server.answer("PushJobs", slow_for_one)
    async with Client(server.url, retry=CallRetry(initial_delay=0.005, attempt_timeout=1)) as client:
        first = asyncio.ensure_future(client.push_many([rockqueue.NewJob("q", "n", 1)]))
        async with asyncio.timeout(20):
            while not first.done():
                await client.push_many([rockqueue.NewJob("q", "n", 2)])
        assert (await first)[0].id == "id-1"
    assert server.push_streams == 1


async def test_a_caller_in_a_hurry_does_not_break_the_stream_of_the_others(server: ScriptedServer) -> None:
    async def silent(_: PushJobsRequest) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    server.answer("PushJobs", silent, push_answer)
    async with Client(server.url) as client:
        with pytest.raises(rockqueue.DeadlineExceeded):
            await client.push_many([rockqueue.NewJob("q", "n", 1)], timeout=0.05)
        await client.push_many([rockqueue.NewJob("q", "n", 2)])
    assert server.push_streams == 1


async def test_the_end_of_a_stream_is_never_taken_for_a_refusal(server: ScriptedServer) -> None:
    async def breaks(_: PushJobsRequest) -> Message:
        raise Break(Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": ""}))

    server.answer("PushJobs", breaks)
    async with Client(server.url) as client:
        with pytest.raises(rockqueue.ServerError) as caught:
            await client.push("q", "n", 1)
    assert caught.value.outcome_unknown


async def test_a_cancelled_push_leaves_the_stream_in_order(client: Client, server: ScriptedServer) -> None:
    async def slow_for_one(request: PushJobsRequest) -> Message:
        if payload_of(request) == 1:
            await asyncio.Event().wait()
        return pushed(request)

    server.answer("PushJobs", slow_for_one)
    first = asyncio.ensure_future(client.push_many([rockqueue.NewJob("q", "n", 1)]))
    await server.until(lambda: len(server.of("PushJobs")) == 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await client.push_many([rockqueue.NewJob("q", "n", 2)]))[0].id == "id-2"
    assert server.push_streams == 1


async def test_closing_ends_a_push_that_is_under_way(server: ScriptedServer) -> None:
    async def silent(_: PushJobsRequest) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    server.answer("PushJobs", silent)
    client = Client(server.url)
    push = asyncio.ensure_future(client.push_many([rockqueue.NewJob("q", "n", 1)]))
    await server.until(lambda: len(server.of("PushJobs")) == 1)
    await client.close()
    with pytest.raises((rockqueue.RockQueueError, asyncio.CancelledError)):
        await asyncio.wait_for(push, 10)
