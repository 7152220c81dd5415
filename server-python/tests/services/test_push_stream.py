"""A stream of pushes: how far it is read ahead, what travels together, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
from queue_bench import QueueBench

from rockqueue.v1 import job_service_pb2
from rockqueue_server.contract.push_stream_request import PushMessage
from rockqueue_server.errors import ServiceError
from rockqueue_server.services.push_stream import MOST_UNANSWERED

StreamPushesResponse = job_service_pb2.StreamPushesResponse


def batch(sequence: int, queue: str = "q") -> PushMessage:
    request = job_service_pb2.StreamPushesRequest(sequence=sequence)
    request.batch.jobs.add(queue=queue, name="n")
    return PushMessage.of(request)


class Caller:
    """Sends batches `0..count`, then what `then` waits for; knows how many were read."""

    def __init__(self, count: int, then: asyncio.Event | None = None) -> None:
        self.read = 0
        self._count = count
        self._then = then

    async def batches(self) -> AsyncIterator[PushMessage]:
        for sequence in range(self._count):
            self.read += 1
            yield batch(sequence)
        if self._then is not None:
            await self._then.wait()


async def take(responses: AsyncGenerator[bytes]) -> list[int]:
    """The sequences of the next response."""
    async with asyncio.timeout(10):
        response = StreamPushesResponse.FromString(await anext(responses))
    assert not any(outcome.HasField("failure") for outcome in response.outcomes)
    return [outcome.sequence for outcome in response.outcomes]


async def test_answers_that_one_fsync_makes_true_travel_together(queue_bench: QueueBench) -> None:
    responses = queue_bench.core.jobs.push_batches(Caller(10).batches())
    assert await take(responses) == list(range(10))
    with pytest.raises(StopAsyncIteration):
        await anext(responses)


async def test_no_more_is_read_than_may_wait_for_answers(queue_bench: QueueBench) -> None:
    caller = Caller(10 * MOST_UNANSWERED)
    responses = queue_bench.core.jobs.push_batches(caller.batches())
    answered = len(await take(responses))
    # Nobody reads answers now; whatever the loop still does, it reads no more batches.
    await queue_bench.core.engine.settled()
    for _ in range(1000):
        await asyncio.sleep(0)
    assert caller.read <= answered + MOST_UNANSWERED
    total = answered
    async for response in responses:
        total += len(StreamPushesResponse.FromString(response).outcomes)
    assert total == 10 * MOST_UNANSWERED


async def test_a_server_that_stops_answers_what_it_has_read(queue_bench: QueueBench) -> None:
    never = asyncio.Event()
    responses = queue_bench.core.jobs.push_batches(Caller(3, then=never).batches())
    assert await take(responses) == [0, 1, 2]
    queue_bench.core.engine.begin_stop()
    with pytest.raises(ServiceError) as caught:
        await asyncio.wait_for(anext(responses), 10)
    assert caught.value.reason == "SHUTTING_DOWN"


async def test_a_defect_behind_a_batch_fails_that_batch(
    queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("rockqueue_server.services.jobs.push.check_room", broken)
    responses = queue_bench.core.jobs.push_batches(Caller(2).batches())
    outcomes = [outcome async for raw in responses for outcome in StreamPushesResponse.FromString(raw).outcomes]
    assert [outcome.failure.reason for outcome in outcomes] == ["INTERNAL", "INTERNAL"]
    assert outcomes[0].failure.metadata["incident"] != outcomes[1].failure.metadata["incident"]
    assert "ZeroDivision" not in outcomes[0].failure.message


async def test_a_caller_that_goes_away_leaves_its_batches_to_the_engine(queue_bench: QueueBench) -> None:
    never = asyncio.Event()
    responses = queue_bench.core.jobs.push_batches(Caller(2, then=never).batches())
    reading = asyncio.ensure_future(anext(responses))
    async with asyncio.timeout(10):
        while "q" not in queue_bench.core.engine.queues.by_name:  # noqa: ASYNC110 - nothing tells of a new queue
            await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await queue_bench.core.engine.settled()
    assert (await queue_bench.queue("q")).counts.waiting == 2
