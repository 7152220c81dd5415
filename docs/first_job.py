"""Queues a job in files of this program's own, and works it."""

import asyncio

import rockqueue
from rockqueue import Client, JobContext, Worker


@rockqueue.job(queue="mail")
async def greet(ctx: JobContext, name: str) -> None:
    """Sends a greeting."""
    print(f"Hello, {name}! This is attempt {ctx.attempt}.")


async def main() -> None:
    """Pushes a job and waits for it to be done."""
    async with Client("embedded:./jobs.db") as client:
        pushed = await greet.push(client, name="Ada")  # on disk when this returns: a crash does not lose it
        async with Worker(client, jobs=[greet]):
            job = await client.wait(pushed.id)
        print(job.state)


asyncio.run(main())
