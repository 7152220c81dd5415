import asyncio

import rockqueue
from jobs import URL, welcome_email


async def main() -> None:
    async with rockqueue.Client(URL) as client:
        job = await welcome_email.push(client, to="ada@example.com", name="Ada")
        print("on disk:", job.id)

        # Overtakes what waits, tries harder, and not before a second from now.
        await welcome_email.options(priority=10, max_attempts=5, delay=1).push(client, to="grace@example.com")

        # Many at once: all are stored, or none.
        await client.push_many([welcome_email.new(to=f"user{n}@example.com") for n in range(3)])

        # By name, for a handler in another program or language.
        await client.push("mail", "welcome_email", {"to": "nobody"})


asyncio.run(main())
