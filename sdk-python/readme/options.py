import asyncio
from datetime import timedelta

import rockqueue
from jobs import URL, welcome_email


async def main() -> None:
    async with rockqueue.Client(URL) as client:
        # In an hour, for one customer; not at all a day from now, and looked up for a week after that.
        later = welcome_email.options(
            delay=timedelta(hours=1),
            ttl=timedelta(days=1),
            retention=timedelta(days=7),
            timeout=30,
            group="customer-7",
            tags=["welcome"],
        )
        job = await client.get((await later.push(client, to="ada@example.com")).id)
        print(job.state, "until", job.ready_time)

        # One at a time: the second push stores nothing, and gets the id of the first.
        once = welcome_email.options(unique="welcome bob@example.com")
        first = await once.push(client, to="bob@example.com")
        second = await once.push(client, to="bob@example.com")
        print("the same job:", second.id == first.id and second.existing)


asyncio.run(main())
