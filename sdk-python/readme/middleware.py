import asyncio
import time
from collections.abc import Sequence
from typing import Any

import rockqueue
from jobs import URL, welcome_email
from rockqueue import JobContext, NewJob, NextHandle, NextPush, PushedJob


class Timing(rockqueue.Middleware):
    async def push(self, jobs: Sequence[NewJob], call_next: NextPush) -> list[PushedJob]:
        return await call_next([job.with_options(tags=["timed"]) for job in jobs])

    async def handle(self, ctx: JobContext, call_next: NextHandle) -> Any:
        begun = time.monotonic()
        try:
            return await call_next()
        finally:
            print(f"{ctx.name}: attempt {ctx.attempt} took {time.monotonic() - begun:.3f} s")


async def main() -> None:
    async with rockqueue.Client(URL, middleware=[Timing()]) as client:
        job = await welcome_email.push(client, to="ada@example.com")
        async with rockqueue.Worker(client, jobs=[welcome_email]):
            print(await client.result(job.id, timeout=10))


asyncio.run(main())
