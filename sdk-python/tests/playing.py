"""Plays scripts to a worker, and waits for what it does."""

from __future__ import annotations

import asyncio

from scripted import Script, ScriptedServer, Talk, eventually

from rockqueue import Worker


def runs(server: ScriptedServer, *scripts: Script) -> asyncio.Future[None]:
    """Plays scripts, one for each stream; done when the last one has ended."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish() -> None:
        if not done.done():
            done.set_result(None)

    async def last(talk: Talk) -> None:
        try:
            await scripts[-1](talk)
        finally:
            loop.call_soon_threadsafe(finish)

    server.scripts = [*scripts[:-1], last]
    return done


async def echo(payload: object) -> object:
    return payload


async def settled_somehow(worker: Worker) -> None:
    """Waits until a job has begun and every job is settled."""
    live = worker._live
    assert live is not None
    await eventually(lambda: live.session._outbox._sequence > 0)
    await asyncio.wait_for(live.runtime.run(live.session.settled()), 10)


async def settled_count(worker: Worker, batches: int) -> None:
    live = worker._live
    assert live is not None
    await eventually(lambda: live.session._outbox._sequence >= batches)
    await asyncio.wait_for(live.runtime.run(live.session.settled()), 10)
