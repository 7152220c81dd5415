"""What ListWorkers tells of sessions, and what metrics do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from queue_bench import LIMIT_S, QueueBench, seconds, spec

from rockqueue.v1 import work_service_pb2
from rockqueue_server.contract.work_request import WorkMessage
from rockqueue_server.errors import ServiceError

Request = work_service_pb2.WorkRequest
Response = work_service_pb2.WorkResponse


class Stream:
    """A `Work` stream that a test speaks on."""

    def __init__(self, opened: QueueBench) -> None:
        self._requests: asyncio.Queue[Request | None] = asyncio.Queue()
        self._responses = opened.core.work.work_messages(self._read())

    async def _read(self) -> AsyncIterator[WorkMessage]:
        while (request := await self._requests.get()) is not None:
            yield WorkMessage.of(request)

    async def say(self, request: Request) -> None:
        await self._requests.put(request)

    async def hear(self) -> Response:
        async with asyncio.timeout(LIMIT_S):
            response = await anext(self._responses)
        return Response.FromString(response) if isinstance(response, bytes) else response

    async def beat(self, **health: object) -> None:
        await self.say(Request(heartbeat=work_service_pb2.Heartbeat(sequence=1, **health)))  # type: ignore[arg-type]
        while not (await self.hear()).HasField("heartbeat"):
            pass

    async def close(self) -> None:
        await self._requests.put(None)
        await self._responses.aclose()


@asynccontextmanager
async def working(opened: QueueBench, worker: str = "w", **fields: object) -> AsyncGenerator[Stream]:
    stream = Stream(opened)
    fields.setdefault("queues", ["mail"])
    await stream.say(Request(open=work_service_pb2.OpenSession(worker=worker, **fields)))  # type: ignore[arg-type]
    assert (await stream.hear()).HasField("opened")
    try:
        yield stream
    finally:
        await stream.close()


async def workers(opened: QueueBench, **request: object) -> list[work_service_pb2.Worker]:
    # An operation later, so that what a stream's end has set going is done.
    await opened.core.engine.submit(lambda _: None)
    answer = await opened.core.work.list_workers(work_service_pb2.ListWorkersRequest(**request))  # type: ignore[arg-type]
    return list(answer.workers)


async def states(opened: QueueBench) -> list[str]:
    return [work_service_pb2.WorkerState.Name(one.state).removeprefix("WORKER_STATE_") for one in await workers(opened)]


async def test_a_session_is_listed_with_what_it_said(queue_bench: QueueBench) -> None:
    now_us = queue_bench.core.engine.clock.now_us()
    async with working(queue_bench, client="sdk/1", host="box", pid=42, queues=["mail", "news"]) as stream:
        await stream.say(Request(credits=work_service_pb2.AddCredits(credits=3)))
        await stream.beat(loop_lag=seconds(0.25))
        (worker,) = await workers(queue_bench)
        assert (worker.name, worker.client, worker.host, worker.pid) == ("w", "sdk/1", "box", 42)
        assert list(worker.queues) == ["mail", "news"]
        assert (worker.active, worker.credits) == (0, 3)
        assert worker.loop_lag == seconds(0.25)
        assert worker.last_heard_time.ToMicroseconds() == now_us
        assert worker.join_time.ToMilliseconds() == now_us // 1000


async def test_the_states_of_a_worker(queue_bench: QueueBench) -> None:
    async with working(queue_bench, lease=seconds(30)) as stream:
        assert await states(queue_bench) == ["RUNNING"]
        await queue_bench.advance(20)
        assert await states(queue_bench) == ["RUNNING"]
        await queue_bench.advance(0.001)
        assert await states(queue_bench) == ["SILENT"]
        await stream.beat()
        assert await states(queue_bench) == ["RUNNING"]
        await stream.say(Request(drain=work_service_pb2.Drain()))
        await stream.beat()
        assert await states(queue_bench) == ["DRAINING"]
        await queue_bench.advance(21)
        assert await states(queue_bench) == ["SILENT"]
    assert await states(queue_bench) == ["AWAY"]
    await queue_bench.advance(11)
    assert await states(queue_bench) == []


async def test_stuck_are_only_jobs_that_the_worker_has(queue_bench: QueueBench) -> None:
    first, second = await queue_bench.push(spec(), spec())
    async with working(queue_bench) as stream:
        await stream.say(Request(credits=work_service_pb2.AddCredits(credits=2)))
        deliveries = list((await stream.hear()).deliveries.deliveries)
        assert [delivery.job_id for delivery in deliveries] == [first, second]
        tokens = [delivery.lease_token for delivery in deliveries]
        await stream.beat(stuck_leases=[*tokens, tokens[0], b"nobody's", bytes(24)])
        (worker,) = await workers(queue_bench)
        assert list(worker.stuck_job_ids) == [first, second]
        assert queue_bench.core.gauges().workers.stuck == 2
        await queue_bench.complete(deliveries[0])
        (worker,) = await workers(queue_bench)
        assert (list(worker.stuck_job_ids), worker.active) == ([second], 1)
        await stream.beat()
        (worker,) = await workers(queue_bench)
        assert list(worker.stuck_job_ids) == []


async def test_pages_by_name_hold_every_worker_once(queue_bench: QueueBench) -> None:
    async with (
        working(queue_bench, "b"), working(queue_bench, "a"), working(queue_bench, "a"),
        working(queue_bench, "c", queues=["other"]),
    ):  # fmt: skip
        assert [one.name for one in await workers(queue_bench)] == ["a", "a", "b", "c"]
        assert [one.name for one in await workers(queue_bench, queue="mail")] == ["a", "a", "b"]
        assert await workers(queue_bench, queue="nobody") == []
        seen: list[str] = []
        token = ""
        for _ in range(4):
            request = work_service_pb2.ListWorkersRequest(page_size=1, page_token=token)
            page = await queue_bench.core.work.list_workers(request)
            seen += [one.session_id for one in page.workers]
            token = page.next_page_token
        assert token == ""
        assert len(set(seen)) == 4


async def test_metrics_tell_states_lag_and_stuck_handlers(queue_bench: QueueBench) -> None:
    async with working(queue_bench, "a") as first, working(queue_bench, "b") as second:
        await first.beat(loop_lag=seconds(2))
        await second.beat(loop_lag=seconds(5))
        gauges = queue_bench.core.gauges().workers
        assert gauges.loop_lag_s == 5
        assert gauges.by_state == {"running": 2, "draining": 0, "silent": 0, "away": 0}
        await second.close()
        await workers(queue_bench)
        gauges = queue_bench.core.gauges().workers
        assert (gauges.loop_lag_s, gauges.by_state["away"]) == (2, 1)


@pytest.mark.parametrize(
    ("health", "field"),
    [
        ({"loop_lag": seconds(-1)}, "heartbeat.loop_lag"),
        ({"stuck_leases": [b"x"] * 1001}, "heartbeat.stuck_leases"),
    ],
)
async def test_a_heartbeat_that_makes_no_sense_ends_the_stream(
    queue_bench: QueueBench, health: dict[str, object], field: str
) -> None:
    async with working(queue_bench) as stream:
        with pytest.raises(ServiceError) as ended:
            await stream.beat(**health)
        assert ended.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"queue": "a b"}, "queue"),
        ({"page_size": -1}, "page_size"),
        ({"page_token": "x"}, "page_token"),
    ],
)
async def test_bad_requests(queue_bench: QueueBench, request_: dict[str, object], field: str) -> None:
    with pytest.raises(ServiceError) as refused:
        await workers(queue_bench, **request_)
    assert refused.value.metadata["field"] == field
