"""A connection of which the other half is gone, without a word: what comes next has a new one."""

from __future__ import annotations

import asyncio
import threading

from relay import relayed
from scripted import WAIT_S, ScriptedServer, Talk, delivery, eventually, push_answer

from rockqueue import CallRetry, Client, JobContext, Worker


async def test_a_worker_that_hears_nothing_connects_anew(server: ScriptedServer) -> None:
    worked: list[str] = []
    over = threading.Event()

    async def work(ctx: JobContext) -> None:
        worked.append(ctx.id)

    async def first(talk: Talk) -> None:
        await talk.opened(interval_s=0.2)
        await asyncio.to_thread(over.wait, WAIT_S)

    async def second(talk: Talk) -> None:
        await talk.opened(resumed=True, interval_s=5)
        await talk.credits_of(2)
        await talk.deliver(delivery(1))
        await talk.settlements()
        await talk.drained()

    server.scripts += [first, second]
    async with relayed(server.port) as relay, Client(f"rockqueue://127.0.0.1:{relay.port}") as client:
        async with Worker(client, handlers={"work": work}, queues=["q"], concurrency=1):
            await server.until(lambda: server.streams == 1)
            relay.swallow()
            await eventually(lambda: worked == ["job-1"])
            over.set()
        assert relay.connections == 2


async def test_a_push_that_hears_nothing_is_repeated_on_a_new_connection(server: ScriptedServer) -> None:
    server.answer("PushJobs", push_answer)
    retry = CallRetry(initial_delay=0.005, attempt_timeout=0.5)
    async with (
        relayed(server.port) as relay,
        Client(f"rockqueue://127.0.0.1:{relay.port}", retry=retry) as client,
    ):
        await client.push("q", "n", 1)
        relay.swallow()
        pushed = await asyncio.gather(*[client.push("q", "n", number) for number in (2, 3)])
        assert [job.id for job in pushed] == ["id-2", "id-3"]
        assert relay.connections == 2
