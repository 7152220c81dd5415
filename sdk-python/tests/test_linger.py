"""While a batch is under way a push waits for others as long as the client lingers, and nobody is left lying."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message
from scripted import ScriptedServer, push_answer, pushed

import rockqueue
from rockqueue import Client
from rockqueue._batching import Entry, PushBatcher
from rockqueue._buffer_room import BufferRoom
from rockqueue.v1.job_pb2 import JobSpec
from rockqueue.v1.job_service_pb2 import PushedJob, PushJobsRequest
from rockqueue.v1.server_service_pb2 import GetServerInfoResponse, Limits


def answered_after(gate: threading.Event) -> Callable[[PushJobsRequest], Awaitable[Message]]:
    async def answer(request: PushJobsRequest) -> Message:
        await asyncio.to_thread(gate.wait, 5)
        return pushed(request)

    return answer


def sizes(server: ScriptedServer) -> list[int]:
    return [len(request.jobs) for request in server.of("PushJobs")]


async def under_way(client: Client, server: ScriptedServer, gate: threading.Event) -> asyncio.Task[rockqueue.PushedJob]:
    """A batch of one job that is answered after the gate; not the first batch, which goes alone."""
    server.answer("PushJobs", push_answer)
    await client.push("q", "n", "the first batch")
    server.answer("PushJobs", answered_after(gate))
    push = asyncio.ensure_future(client.push("q", "n", 0))
    await server.until(lambda: sizes(server) == [1, 1])
    return push


async def test_a_lone_push_waits_for_nobody(server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    async with Client(server.url, linger=timedelta(hours=1), timeout=5) as client:
        for number in range(3):
            assert (await client.push("q", "n", number)).id == f"id-{number}"
    assert sizes(server) == [1, 1, 1]


async def test_a_push_lingers_until_the_batch_under_way_is_answered(server: ScriptedServer) -> None:
    gate = threading.Event()
    async with Client(server.url, linger=3600, timeout=5) as client:
        first = await under_way(client, server, gate)
        others = [asyncio.ensure_future(client.push("q", "n", number)) for number in range(1, 4)]
        # A round trip: by then a second batch would have arrived.
        await client.server_info()
        assert sizes(server) == [1, 1]
        gate.set()
        await asyncio.gather(first, *others)
    assert sizes(server) == [1, 1, 3]


async def test_a_full_batch_does_not_linger(server: ScriptedServer) -> None:
    gate = threading.Event()
    server.answer("GetServerInfo", GetServerInfoResponse(limits=Limits(batch_entries=10)))
    async with Client(server.url, linger=3600, timeout=5) as client:
        pushes = [await under_way(client, server, gate)]
        pushes += [asyncio.ensure_future(client.push("q", "n", number)) for number in range(1, 24)]
        await server.until(lambda: len(sizes(server)) == 4)
        await client.server_info()
        assert sizes(server) == [1, 1, 10, 10]
        gate.set()
        await asyncio.gather(*pushes)
    assert sizes(server) == [1, 1, 10, 10, 3]


async def test_who_closes_lingers_no_longer(server: ScriptedServer) -> None:
    gate = threading.Event()
    client = Client(server.url, linger=3600, timeout=5)
    first = await under_way(client, server, gate)
    second = asyncio.ensure_future(client.push("q", "n", 1))
    await client.server_info()
    closing = asyncio.ensure_future(client.close())
    await server.until(lambda: sizes(server) == [1, 1, 1])
    gate.set()
    await asyncio.gather(first, second, closing)


@pytest.mark.parametrize("linger", [-0.001, timedelta(seconds=-1), float("inf")])
def test_a_linger_that_makes_no_sense(linger: rockqueue.Seconds) -> None:
    with pytest.raises(ValueError, match="linger must be 0 or more seconds"):
        Client(linger=linger)


class Clock(asyncio.AbstractEventLoop):
    """The running loop, with a clock that the test turns; it keeps the timers that are armed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.now = 0.0
        self.timers: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        assert context is None
        self.timers.append(asyncio.TimerHandle(when, callback, args, self))
        return self.timers[-1]

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        return self._loop.call_soon_threadsafe(callback, *args, context=context)

    def create_task(self, coro: Any, **kwargs: Any) -> Any:
        return self._loop.create_task(coro, **kwargs)

    def get_debug(self) -> bool:
        return False

    def turn(self, now: float) -> None:
        """Turns the clock, and plays the timers that are due."""
        self.now = now
        due, self.timers = (
            [one for one in self.timers if one.when() <= now],
            [one for one in self.timers if one.when() > now],
        )
        for timer in due:
            timer._run()  # type: ignore[attr-defined]


class Batches:
    """A batcher by a clock, and what it sends: each batch is answered when the test says so."""

    def __init__(self, linger_s: float) -> None:
        self.clock = Clock()
        self.sent: list[list[str]] = []
        self._answers: list[asyncio.Future[None]] = []
        self._batcher = PushBatcher(self.clock, self._send, BufferRoom(), linger_s=linger_s)

    async def _send(self, specs: Sequence[JobSpec], *, wait_while_full: bool) -> Sequence[PushedJob]:
        assert wait_while_full == (len(specs) == 1)
        self.sent.append([spec.name for spec in specs])
        self._answers.append(asyncio.get_running_loop().create_future())
        await self._answers[-1]
        return [PushedJob(job_id=spec.name) for spec in specs]

    async def push(self, name: str, now: float) -> None:
        self.clock.turn(now)
        self._batcher.submit(Entry(JobSpec(name=name), 1, asyncio.get_running_loop().create_future()))
        await settled()

    async def answer(self, index: int, now: float) -> None:
        self.clock.turn(now)
        self._answers[index].set_result(None)
        await settled()

    async def turn(self, now: float) -> None:
        self.clock.turn(now)
        await settled()


async def settled() -> None:
    """Lets everything happen that waits for no clock."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_first_in_line_lingers_and_one_timer_is_armed_for_all() -> None:
    batches = Batches(linger_s=1)
    await batches.push("first", 0)
    await batches.answer(0, 0)
    await batches.push("a", 10)
    await batches.push("b", 10.25)
    await batches.push("c", 10.75)
    assert batches.sent == [["first"], ["a"]]
    assert [timer.when() for timer in batches.clock.timers] == [11.25]
    await batches.turn(11.125)
    assert batches.sent == [["first"], ["a"]]
    await batches.turn(11.25)
    assert batches.sent == [["first"], ["a"], ["b", "c"]]
    assert batches.clock.timers == []


async def test_with_two_batches_under_way_no_timer_is_armed() -> None:
    batches = Batches(linger_s=1)
    await batches.push("first", 0)
    await batches.answer(0, 0)
    await batches.push("a", 10)
    await batches.push("b", 10)
    await batches.turn(11)
    await batches.push("c", 11)
    assert batches.clock.timers == []
    # The next in line has not lingered when one of the two is answered.
    await batches.answer(1, 11.5)
    assert batches.sent == [["first"], ["a"], ["b"]]
    assert [timer.when() for timer in batches.clock.timers] == [12]
    # One that waited through both goes with the answer.
    await batches.answer(2, 11.75)
    assert batches.sent[3:] == [["c"]]


async def test_a_timer_whose_push_has_gone_is_armed_anew_for_the_next() -> None:
    batches = Batches(linger_s=1)
    await batches.push("first", 0)
    await batches.answer(0, 0)
    await batches.push("a", 10)
    await batches.push("b", 10)
    await batches.answer(1, 10.5)
    await batches.push("c", 10.75)
    assert [timer.when() for timer in batches.clock.timers] == [11]
    await batches.turn(11)
    assert batches.sent == [["first"], ["a"], ["b"]]
    assert [timer.when() for timer in batches.clock.timers] == [11.75]
    await batches.turn(11.75)
    assert batches.sent[3:] == [["c"]]
