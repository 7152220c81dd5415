import asyncio

import rockqueue
from jobs import URL


async def main() -> None:
    async with rockqueue.Client(URL) as client:
        async for job in client.list(queue="mail", state="DEAD", include_payload=True):
            print("dead:", job.payload, job.dead_reason, job.errors[-1].message)
        put_back = await client.retry_all(queue="mail", state="DEAD")
        print("put back:", put_back)


asyncio.run(main())
