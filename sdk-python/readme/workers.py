import asyncio

import rockqueue
from jobs import URL, welcome_email


async def main() -> None:
    async with rockqueue.Client(URL) as client:
        job = await welcome_email.push(client, to="ada@example.com")
        async with rockqueue.Worker(client, jobs=[welcome_email], name="mail-1", stuck_after=60):
            await client.wait(job.id, timeout=10)
            async for worker in client.workers(queue="mail"):
                print(worker.name, worker.state, "on", worker.host, "- stuck:", list(worker.stuck_job_ids))


asyncio.run(main())
