import asyncio

import rockqueue
from jobs import URL, welcome_email
from rockqueue import RateLimit


async def main() -> None:
    async with rockqueue.Client(URL) as client:
        # 100 a minute, 10 at once after a pause; and of each tenant one at a time, in order, retries included.
        await client.queues.update("mail", rate=RateLimit(100, period=60, burst=10), group_max_active=1)
        await client.queues.update_group("mail", "tenant-7", weight=3, max_active=5)

        job = await welcome_email.options(group="tenant-7").push(client, to="ada@example.com")
        async for group in client.queues.groups("mail"):
            print(group.key, "waiting:", group.waiting)
        for reason in (await client.explain(job.id)).reasons:
            print("not running:", reason.kind, "-", reason.message)


asyncio.run(main())
