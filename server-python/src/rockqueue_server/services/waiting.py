"""Waits for something, bounded by the engine's clock, which a test may hold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rockqueue_server.errors import shutting_down

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine


async def wait_until(engine: Engine, future: asyncio.Future[Any], due_us: int) -> bool:
    """Waits for `future` until `due_us`; returns whether it is done. Raises SHUTTING_DOWN if the server stops first."""
    stop = engine.stop_signal()
    time_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ring() -> None:
        if not time_up.done():
            time_up.set_result(None)

    alarm = engine.alarms.set(due_us, ring)
    engine.schedule()
    try:
        await asyncio.wait((future, time_up, stop), return_when=asyncio.FIRST_COMPLETED)
    finally:
        alarm.cancel()
    if not future.done() and stop.done():
        raise shutting_down()
    return future.done()
