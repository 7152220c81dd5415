"""Concurrent pushes travel together, in order, and do not fail for each other's faults."""

from __future__ import annotations

import asyncio
import threading

import grpc
import pytest
from google.protobuf.message import Message
from scripted import Refusal, ScriptedServer, push_answer, pushed

import rockqueue
from rockqueue import CallRetry, Client, NewJob, SyncClient
from rockqueue._buffer_room import BufferRoom
from rockqueue._operations import cut_batches
from rockqueue.v1.job_pb2 import JobSpec
from rockqueue.v1.job_service_pb2 import PushJobsRequest
from rockqueue.v1.server_service_pb2 import GetServerInfoResponse, Limits


async def test_concurrent_pushes_share_calls_and_keep_their_order(client: Client, server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    done = await asyncio.gather(*[client.push("q", "n", number) for number in range(1200)])
    assert [one.id for one in done] == [f"id-{number}" for number in range(1200)]
    requests: list[PushJobsRequest] = server.of("PushJobs")
    assert len(requests) <= 8
    assert all(len(request.jobs) <= 500 for request in requests)
    sent = [int(spec.payload) for request in requests for spec in request.jobs]
    assert sent == sorted(sent)
    assert len({request.request_id for request in requests}) == len(requests)


async def test_two_batches_are_under_way_and_the_rest_gathers(client: Client, server: ScriptedServer) -> None:
    gate = threading.Event()

    async def slow(request: PushJobsRequest) -> Message:
        await asyncio.to_thread(gate.wait, 5)
        return pushed(request)

    server.answer("PushJobs", push_answer)
    await client.push("q", "n", "the first batch goes alone")
    server.answer("PushJobs", slow)
    pushes: list[asyncio.Task[rockqueue.PushedJob]] = []
    for number in range(2):
        pushes.append(asyncio.ensure_future(client.push("q", "n", number)))
        await server.until(lambda wanted=number: len(server.of("PushJobs")) == wanted + 2)
    pushes += [asyncio.ensure_future(client.push("q", "n", number)) for number in range(2, 52)]
    await client.server_info()
    assert len(server.of("PushJobs")) == 3
    gate.set()
    await asyncio.gather(*pushes)
    assert [len(request.jobs) for request in server.of("PushJobs")] == [1, 1, 1, 50]


async def test_the_first_batch_goes_alone(client: Client, server: ScriptedServer) -> None:
    """It asks for the server's limits; a second batch that asked with it could overtake it."""
    gate = threading.Event()

    async def slow(request: PushJobsRequest) -> Message:
        await asyncio.to_thread(gate.wait, 5)
        return pushed(request)

    server.answer("PushJobs", slow)
    first = asyncio.ensure_future(client.push("q", "n", 0))
    await server.until(lambda: len(server.of("PushJobs")) == 1)
    others = [asyncio.ensure_future(client.push("q", "n", number)) for number in range(1, 4)]
    await client.server_info()
    assert len(server.of("PushJobs")) == 1
    gate.set()
    await asyncio.gather(first, *others)
    assert [len(request.jobs) for request in server.of("PushJobs")] == [1, 3]


async def test_large_pushes_are_cut_by_bytes(client: Client, server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    text = "x" * 200_000
    await asyncio.gather(*[client.push("q", "n", text) for _ in range(20)])
    assert all(request.ByteSize() <= 1024 * 1024 + 1000 for request in server.of("PushJobs"))


async def test_one_invalid_job_fails_alone(client: Client, server: ScriptedServer) -> None:
    async def judge(request: PushJobsRequest) -> Message | Refusal:
        for index, spec in enumerate(request.jobs):
            if not spec.name:
                path = f"jobs[{index}].name"
                return Refusal(
                    grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": path}, violations=((path, "empty"),)
                )
        return pushed(request)

    server.answer("PushJobs", judge)
    names = ["a", "b", "", "c", ""]
    pushes = [client.push("q", name, number) for number, name in enumerate(names)]
    done = await asyncio.gather(*pushes, return_exceptions=True)
    for name, outcome in zip(names, done, strict=True):
        if name:
            assert isinstance(outcome, rockqueue.PushedJob)
        else:
            assert isinstance(outcome, rockqueue.InvalidRequest)
            assert outcome.metadata == {"field": "name"}
            assert outcome.violations == (("name", "empty"),)


async def test_a_held_unique_key_fails_alone(client: Client, server: ScriptedServer) -> None:
    async def judge(request: PushJobsRequest) -> Message | Refusal:
        for index, spec in enumerate(request.jobs):
            if spec.unique.key == "taken":
                metadata = {"job_id": "holder", "index": str(index), "key": "taken"}
                return Refusal(grpc.StatusCode.ALREADY_EXISTS, "UNIQUE_CONFLICT", metadata)
        return pushed(request)

    server.answer("PushJobs", judge)
    done = await asyncio.gather(
        client.push("q", "n", 0),
        client.push("q", "n", 1, unique=rockqueue.Unique("taken", on_conflict="reject")),
        client.push("q", "n", 2),
        return_exceptions=True,
    )
    assert isinstance(done[0], rockqueue.PushedJob)
    assert isinstance(done[1], rockqueue.UniqueConflict)
    assert done[1].job_id == "holder"
    assert isinstance(done[2], rockqueue.PushedJob)


async def test_a_fault_that_is_not_named_is_found_by_halving(client: Client, server: ScriptedServer) -> None:
    async def judge(request: PushJobsRequest) -> Message | Refusal:
        bad = any(spec.name == "bad" for spec in request.jobs)
        return Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD") if bad else pushed(request)

    server.answer("PushJobs", judge)
    pushes = [client.push("q", "bad" if number == 13 else "n", number) for number in range(20)]
    done = await asyncio.gather(*pushes, return_exceptions=True)
    assert [number for number, one in enumerate(done) if isinstance(one, Exception)] == [13]


async def test_a_full_queue_takes_what_fits_and_holds_up_no_other_queue(server: ScriptedServer) -> None:
    room = {"full": 3}

    async def judge(request: PushJobsRequest) -> Message | Refusal:
        wanted = sum(spec.queue == "full" for spec in request.jobs)
        if wanted > room["full"]:
            metadata = {"queue": "full", "limit": "3"}
            return Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", metadata, retry_after_s=0.001)
        room["full"] -= wanted
        return pushed(request)

    server.answer("PushJobs", judge)
    async with Client(server.url, retry=CallRetry(max_attempts=3, initial_delay=0.001)) as client:
        full = [client.push("full", "n", number) for number in range(10)]
        other = [client.push("other", "n", number) for number in range(10)]
        done = await asyncio.gather(*full, *other, return_exceptions=True)
    assert [isinstance(one, rockqueue.PushedJob) for one in done] == [True] * 3 + [False] * 7 + [True] * 10
    assert all(isinstance(one, rockqueue.QueueFull) for one in done[3:10])


async def test_a_push_cancelled_before_it_was_sent_is_not_sent(client: Client, server: ScriptedServer) -> None:
    gate = threading.Event()

    async def slow(request: PushJobsRequest) -> Message:
        await asyncio.to_thread(gate.wait, 5)
        return pushed(request)

    server.answer("PushJobs", slow)
    first = [asyncio.ensure_future(client.push("q", "n", 0)), asyncio.ensure_future(client.push("q", "n", 1))]
    await server.until(lambda: sum(len(one.jobs) for one in server.of("PushJobs")) == 2)
    blocking = asyncio.ensure_future(client.push("q", "n", 2))
    await client.server_info()
    waiting = asyncio.ensure_future(client.push("q", "n", 3))
    last = asyncio.ensure_future(client.push("q", "n", 4))
    await client.server_info()
    waiting.cancel()
    await client.server_info()
    gate.set()
    await asyncio.gather(*first, blocking, last)
    sent = sorted(int(spec.payload) for request in server.of("PushJobs") for spec in request.jobs)
    # One batch may have been under way already, but not more than two.
    assert sent == [0, 1, 2, 4]


async def test_what_no_message_can_carry_is_over_a_limit(client: Client, server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    small = asyncio.ensure_future(client.push("q", "n", 1))
    with pytest.raises(rockqueue.LimitExceeded) as caught:
        await client.push("q", "n", "x" * 6_000_000)
    assert not caught.value.from_server
    assert (await small).id == "id-1"


async def test_close_waits_for_pushes_under_way(server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    client = Client(server.url)
    pushes = [asyncio.ensure_future(client.push("q", "n", number)) for number in range(100)]
    await asyncio.sleep(0)
    await client.close()
    assert len(await asyncio.gather(*pushes)) == 100
    with pytest.raises(rockqueue.ClientClosed):
        await client.push("q", "n")


async def test_the_limits_of_the_server_cut_batches(server: ScriptedServer) -> None:
    server.answer("GetServerInfo", GetServerInfoResponse(limits=Limits(batch_entries=10)))
    server.answer("PushJobs", push_answer)
    async with Client(server.url) as client:
        done = await client.push_many([NewJob("q", "n", number) for number in range(25)])
        assert [one.id for one in done] == [f"id-{number}" for number in range(25)]
        assert [len(request.jobs) for request in server.of("PushJobs")] == [10, 10, 5]


async def test_push_many_says_how_much_was_stored_before_it_failed(server: ScriptedServer) -> None:
    server.answer("GetServerInfo", GetServerInfoResponse(limits=Limits(batch_entries=10)))
    server.answer("PushJobs", push_answer, Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"))
    async with Client(server.url) as client:
        with pytest.raises(rockqueue.InvalidRequest) as caught:
            await client.push_many([NewJob("q", "n", number) for number in range(25)])
    assert caught.value.metadata["pushed"] == "10"


async def test_threads_of_a_sync_client_share_batches_too(server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    with SyncClient(server.url) as client:
        done = await asyncio.gather(*[asyncio.to_thread(client.push, "q", "n", number) for number in range(20)])
    assert [one.id for one in done] == [f"id-{number}" for number in range(20)]


def test_batches_are_cut_within_both_limits() -> None:
    specs = [JobSpec(queue="q", payload=b"x" * 90) for _ in range(10)]
    assert [len(batch) for batch in cut_batches(specs, 4, 10_000)] == [4, 4, 2]
    assert [len(batch) for batch in cut_batches(specs, 100, 200)] == [2] * 5
    assert [len(batch) for batch in cut_batches(specs, 100, 10)] == [1] * 10
    assert cut_batches([], 100, 10) == []


async def test_the_buffer_lets_callers_in_by_turns() -> None:
    room = BufferRoom(max_jobs=2, max_bytes=100)
    assert room.take(10) is None
    assert room.take(10) is None
    third, fourth = room.take(10), room.take(10)
    assert third is not None
    assert fourth is not None
    waiting = asyncio.ensure_future(room.wait(third, 10))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    room.give_back(1, 10)
    await asyncio.wait_for(room.wait(fourth, 10), 1)
    assert room.take(10) is not None


async def test_a_job_larger_than_the_buffer_enters_an_empty_one() -> None:
    room = BufferRoom(max_jobs=2, max_bytes=100)
    assert room.take(1000) is None
    assert room.take(1) is not None
