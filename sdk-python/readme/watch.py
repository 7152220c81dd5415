import asyncio

import rockqueue
from jobs import URL


async def main() -> None:
    async with rockqueue.Client(URL) as client:
        async with client.events(queues=["mail"], beginning=True) as events:
            async for event in events:
                print(event.type, event.name, event.attempt)
                if event.type == "JOB_DEAD":
                    break
        queue = await client.queues.get("mail")
        print("waiting:", queue.counts.waiting, "completed:", queue.counts.completed)


asyncio.run(main())
