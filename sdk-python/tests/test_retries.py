"""Retries, counted on the wire."""

from __future__ import annotations

import asyncio
import time

import grpc
import pytest
from google.protobuf.message import Message
from scripted import Refusal, ScriptedServer, push_answer, pushed

import rockqueue
from rockqueue import CallRetry, Client, NewJob
from rockqueue._errors import RockQueueError
from rockqueue.v1.job_service_pb2 import GetJobRequest, GetJobResponse, PushJobsRequest
from rockqueue.v1.work_service_pb2 import PullJobsRequest

DOWN = Refusal(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", retry_after_s=0.001)
FULL = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after_s=0.001)


async def test_an_unavailable_server_is_tried_again_under_the_same_request_id(
    client: Client, server: ScriptedServer
) -> None:
    server.answer("PushJobs", DOWN, DOWN, push_answer)
    assert (await client.push("q", "n", 7)).id == "id-7"
    requests = server.of("PushJobs")
    assert len(requests) == 3
    assert len({request.request_id for request in requests}) == 1
    assert requests[0].request_id


async def test_each_logical_call_has_a_request_id_of_its_own(client: Client, server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    await client.push("q", "n", 1)
    await client.push("q", "n", 2)
    assert len({request.request_id for request in server.of("PushJobs")}) == 2


async def test_a_lost_reply_is_asked_for_again(server: ScriptedServer) -> None:
    async def silent(_: PushJobsRequest) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    server.answer("PushJobs", silent, push_answer)
    retry = CallRetry(initial_delay=0.005, attempt_timeout=0.2)
    async with Client(server.url, retry=retry) as client:
        assert (await client.push("q", "n", 1)).id == "id-1"
    first, second = server.of("PushJobs")
    assert first == second


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "job_id"}), rockqueue.InvalidRequest),
        (Refusal(grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND", {"job_id": "x"}), rockqueue.JobNotFound),
        (Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"), rockqueue.Overloaded),
        (Refusal(grpc.StatusCode.INTERNAL, "INTERNAL", {"incident": "7f"}), rockqueue.ServerError),
        (Refusal(grpc.StatusCode.UNIMPLEMENTED), rockqueue.ServerError),
    ],
)
async def test_a_final_answer_is_not_asked_for_again(
    client: Client, server: ScriptedServer, refusal: Refusal, error: type[RockQueueError]
) -> None:
    server.answer("GetJob", refusal)
    with pytest.raises(error) as caught:
        await client.get("x")
    assert len(server.of("GetJob")) == 1
    assert caught.value.reason == refusal.reason
    assert caught.value.metadata == refusal.metadata
    assert caught.value.from_server is bool(refusal.reason)
    assert caught.value.__cause__ is not None


async def test_a_refusal_for_lack_of_room_is_repeated_only_with_retry_info(
    client: Client, server: ScriptedServer
) -> None:
    server.answer("PushJobs", FULL, push_answer)
    await client.push("q", "n", 1)
    assert len(server.of("PushJobs")) == 2


async def test_a_server_delay_is_honoured(server: ScriptedServer) -> None:
    server.answer("GetJob", Refusal(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", retry_after_s=0.15), GetJobResponse())
    async with Client(server.url, retry=CallRetry(initial_delay=0.001)) as client:
        begun = time.monotonic()
        await client.get("x")
    assert time.monotonic() - begun >= 0.15


async def test_a_server_delay_is_capped(server: ScriptedServer) -> None:
    server.answer("GetJob", Refusal(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", retry_after_s=3600), GetJobResponse())
    async with Client(server.url, retry=CallRetry(initial_delay=0.001, max_server_delay=0.01)) as client:
        await client.get("x")
    assert len(server.of("GetJob")) == 2


async def test_retries_can_be_switched_off(server: ScriptedServer) -> None:
    server.answer("GetJob", DOWN)
    async with Client(server.url, retry=None) as client:
        with pytest.raises(rockqueue.Unavailable):
            await client.get("x")
    assert len(server.of("GetJob")) == 1


async def test_attempts_are_bounded(server: ScriptedServer) -> None:
    server.answer("GetJob", DOWN)
    async with Client(server.url, retry=CallRetry(max_attempts=4, initial_delay=0.001)) as client:
        with pytest.raises(rockqueue.Unavailable):
            await client.get("x")
    assert len(server.of("GetJob")) == 4


async def test_a_call_that_the_contract_does_not_allow_to_repeat_is_made_once(
    client: Client, server: ScriptedServer
) -> None:
    server.answer("PullJobs", DOWN)
    with pytest.raises(rockqueue.Unavailable):
        await client.raw.pull_jobs(PullJobsRequest(queues=["q"], worker="w"))
    assert len(server.of("PullJobs")) == 1


async def test_every_attempt_has_a_deadline_within_that_of_the_call(server: ScriptedServer) -> None:
    server.answer("GetJob", DOWN, GetJobResponse())
    async with Client(server.url, timeout=3, retry=CallRetry(initial_delay=0.001, attempt_timeout=2)) as client:
        await client.get("x")
        await client.raw.get_job(GetJobRequest(job_id="x"), timeout=1)
    deadlines = [call.deadline_s for call in server.calls if call.method == "GetJob"]
    assert all(deadline is not None for deadline in deadlines)
    assert [round(deadline or 0) for deadline in deadlines] == [2, 2, 1]


async def test_an_unknown_outcome_says_so(server: ScriptedServer) -> None:
    server.answer("PushJobs", DOWN)
    server.answer("GetJob", DOWN)
    async with Client(server.url, retry=CallRetry(max_attempts=2, initial_delay=0.001)) as client:
        with pytest.raises(rockqueue.Unavailable) as caught:
            await client.push_many([NewJob("q", "n")])
        assert caught.value.outcome_unknown
        assert caught.value.request_id == server.of("PushJobs")[0].request_id
        with pytest.raises(rockqueue.Unavailable) as read:
            await client.get("x")
        assert not read.value.outcome_unknown


async def test_a_definite_refusal_is_no_unknown_outcome(client: Client, server: ScriptedServer) -> None:
    server.answer(
        "PushJobs", DOWN, Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "jobs[0].name"})
    )
    with pytest.raises(rockqueue.InvalidRequest) as caught:
        await client.push_many([NewJob("q", "")])
    assert not caught.value.outcome_unknown


async def test_a_server_that_does_not_answer_is_a_deadline_of_this_side(server: ScriptedServer) -> None:
    async def silent(_: PushJobsRequest) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    server.answer("PushJobs", silent)
    async with Client(server.url, timeout=0.3) as client:
        with pytest.raises(rockqueue.DeadlineExceeded) as caught:
            await client.push("q", "n", 1)
    assert caught.value.outcome_unknown
    assert not caught.value.from_server


async def test_nobody_listens() -> None:
    async with Client("rockqueue://127.0.0.1:1", timeout=0.5) as client:
        with pytest.raises(rockqueue.Unavailable) as caught:
            await client.get("x")
    assert not caught.value.from_server


async def test_a_cancelled_call_is_cancelled_on_the_wire(client: Client, server: ScriptedServer) -> None:
    cancelled = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def hang(request: PushJobsRequest) -> Message:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            loop.call_soon_threadsafe(cancelled.set)
            raise
        return pushed(request)

    server.answer("GetJob", hang)
    call = asyncio.ensure_future(client.get("x"))
    await server.until(lambda: bool(server.of("GetJob")))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(cancelled.wait(), 5)
