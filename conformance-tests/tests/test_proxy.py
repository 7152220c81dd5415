"""The proxy between a client and a server: what it passes on, notes, changes and breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self

import pytest
from fake_server import FIRST_ID, FakeServer

from rockqueue_conformance.sdk.proxy.server import Proxy
from rockqueue_conformance.wire.connection import CallFailed, Connection
from rockqueue_conformance.wire.convert import from_data
from rockqueue_conformance.wire.methods import METHODS
from rockqueue_conformance.wire.work_stream import WorkStream

Data = dict[str, Any]

PUSH: Data = {"request_id": "r", "jobs": [{"queue": "q", "name": "n"}]}


class Bench:
    """A fake server, the proxy before it, and a client of the proxy."""

    def __init__(self) -> None:
        self.fake = FakeServer()
        self.proxy = Proxy()

    async def __aenter__(self) -> Self:
        self._server, address = await self.fake.start()
        await self.proxy.start()
        await self.proxy.connect(address)
        self.client = Connection(f"127.0.0.1:{self.proxy.relay.port}")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self.proxy.close()
        await self._server.stop(None)

    async def call(self, name: str, request: Data, timeout_s: float = 5.0) -> Data:
        method = METHODS[name]
        return await self.client.call(method, from_data(method.request, request), timeout_s)

    async def code(self, name: str, request: Data, timeout_s: float = 5.0) -> str:
        """`OK`, or the reason or code of the error."""
        try:
            await self.call(name, request, timeout_s)
        except CallFailed as failed:
            return failed.error.reason or failed.error.code
        return "OK"


async def test_a_call_is_passed_on_and_noted() -> None:
    async with Bench() as bench:
        answer = await bench.call("JobService.PushJobs", PUSH, 7.0)
        assert answer["jobs"] == [{"job_id": FIRST_ID % 0, "existing": False, "replaced": False}]
        (seen,) = bench.proxy.records.of("PushJobs")
    assert seen["request"]["jobs"][0]["queue"] == "q"
    assert 5.0 < seen["deadline"] <= 7.0
    assert seen["code"] == "OK"
    assert "grpc" in seen["metadata"]["user-agent"]


async def test_errors_of_the_server_come_through_with_their_details() -> None:
    async with Bench() as bench:
        assert await bench.code("JobService.GetJob", {"job_id": FIRST_ID % 5}) == "JOB_NOT_FOUND"
        assert bench.proxy.records.of("GetJob")[0]["code"] == "NOT_FOUND"


async def test_rules_hold_for_as_often_as_they_say() -> None:
    async with Bench() as bench:
        bench.proxy.rules.add([{"call": "PushJobs", "skip": 1, "times": 2, "fail": "UNAVAILABLE"}])
        codes = [await bench.code("JobService.PushJobs", PUSH) for _ in range(4)]
    assert codes == ["OK", "UNAVAILABLE", "UNAVAILABLE", "OK"]
    assert bench.fake.calls.count("JobService.PushJobs") == 2


async def test_a_lost_reply_was_carried_out() -> None:
    async with Bench() as bench:
        bench.proxy.rules.add([{"call": "PushJobs", "lose_reply": True}])
        assert await bench.code("JobService.PushJobs", PUSH) == "UNAVAILABLE"
    assert len(bench.fake.jobs) == 1


async def test_answers_can_be_made_and_changed() -> None:
    async with Bench() as bench:
        await bench.call("JobService.PushJobs", PUSH)
        bench.proxy.rules.add(
            [
                {"call": "GetJob", "change": {"job.state": 99, "job.attempt": 4}},
                {"call": "GetJob", "where": {"job_id": "nobody"}, "answer": {"job": {"id": "made up"}}},
            ]
        )
        changed = await bench.call("JobService.GetJob", {"job_id": FIRST_ID % 0})
        made = await bench.call("JobService.GetJob", {"job_id": "nobody"})
    assert (changed["job"]["state"], changed["job"]["attempt"]) == (99, 4)
    assert made["job"]["id"] == "made up"


async def test_a_call_that_hangs_ends_with_its_deadline() -> None:
    async with Bench() as bench:
        bench.proxy.rules.add([{"call": "PushJobs", "hang": True}])
        assert await bench.code("JobService.PushJobs", PUSH, 0.2) == "DEADLINE_EXCEEDED"
    assert bench.fake.jobs == []


async def test_a_cut_connection_fails_its_calls_and_can_be_made_again() -> None:
    async with Bench() as bench:
        bench.proxy.rules.add([{"call": "PushJobs", "hang": True}])
        waiting = asyncio.ensure_future(bench.code("JobService.PushJobs", PUSH))
        async with asyncio.timeout(5.0):
            while not bench.proxy.records.calls:  # noqa: ASYNC110 - records are looked at, they do not tell
                await asyncio.sleep(0.005)
        bench.proxy.relay.cut()
        assert await waiting == "UNAVAILABLE"
        assert await bench.code("JobService.PushJobs", PUSH) == "OK"
    assert bench.proxy.relay.connections == 2


async def test_connections_that_rotate_lose_no_call() -> None:
    async with Bench() as bench:
        await bench.call("JobService.PushJobs", PUSH)
        await bench.proxy.rotate()
        bench.proxy.rules.add([{"call": "PushJobs", "times": "always", "delay_reply": "0.03s"}])
        before = bench.proxy.relay.connections
        while await bench.code("JobService.PushJobs", PUSH) != "OK":
            pass
        assert {await bench.code("JobService.PushJobs", PUSH) for _ in range(20)} == {"OK"}
        assert bench.proxy.relay.connections > before + 1


async def a_session(requests: AsyncIterator[Data]) -> AsyncIterator[Data]:
    async for request in requests:
        if "open" in request:
            yield {"opened": {"session_id": "s", "heartbeat_interval": "10s"}}
        elif "heartbeat" in request:
            yield {"heartbeat": {"sequence": request["heartbeat"]["sequence"]}}
        elif "goodbye" in request:
            return


async def opened(bench: Bench) -> WorkStream:
    bench.fake.on_work = a_session
    stream = WorkStream(bench.client, lambda _direction, _data: None)
    await stream.send({"open": {"queues": ["q"], "worker": "w", "client": "c/1"}})
    assert await stream.wait(lambda: stream.opened is not None, 5.0)
    return stream


async def test_a_work_stream_is_passed_on_in_both_directions() -> None:
    async with Bench() as bench:
        stream = await opened(bench)
        await stream.send({"heartbeat": {"sequence": 4}})
        assert await stream.wait(lambda: 4 in stream.heartbeats, 5.0)
        await stream.send({"goodbye": {}})
        assert await stream.wait(lambda: stream.end is not None, 5.0)
        kinds = [(one["from"], one["kind"]) for one in bench.proxy.records.of("Work")]
    assert kinds == [
        ("client", "open"),
        ("server", "opened"),
        ("client", "heartbeat"),
        ("server", "heartbeat"),
        ("client", "goodbye"),
        ("server", "end"),
    ]


@pytest.mark.parametrize(
    ("rule", "end"),
    [
        ({"call": "Work", "at": "client heartbeat", "cut": True}, "UNAVAILABLE"),
        ({"call": "Work", "at": "server heartbeat", "fail": "SESSION_TAKEN"}, "ABORTED"),
        ({"call": "Work", "at": "server *", "fail": "SHUTTING_DOWN"}, "UNAVAILABLE"),
    ],
)
async def test_a_work_stream_is_broken_as_told(rule: Data, end: str) -> None:
    async with Bench() as bench:
        stream = await opened(bench)
        bench.proxy.rules.add([rule])
        await stream.send({"heartbeat": {"sequence": 1}})
        assert await stream.wait(lambda: stream.end is not None, 5.0)
        assert stream.end is not None
        assert stream.end.code == end


async def test_messages_are_dropped_changed_and_made_up() -> None:
    async with Bench() as bench:
        stream = await opened(bench)
        bench.proxy.rules.add(
            [
                {"call": "Work", "at": "client heartbeat", "drop": True},
                {"call": "Work", "at": "server heartbeat", "change": {"heartbeat.sequence": 77}, "say": {"drain": {}}},
            ]
        )
        await stream.send({"heartbeat": {"sequence": 1}})
        await stream.send({"heartbeat": {"sequence": 2}})
        assert await stream.wait(lambda: stream.draining, 5.0)
    assert stream.heartbeats == {77}
