import asyncio

import rockqueue
from jobs import URL, welcome_email


async def main() -> None:
    async with rockqueue.Client(URL) as client:
        trial = welcome_email.options(tags=["trial"], delay=3600)
        await client.push_many([trial.new(to=f"trial{n}@example.com") for n in range(3)])

        print("would be cancelled:", await client.cancel_all(queue="mail", tags=["trial"], dry_run=True))
        await client.cancel_all(queue="mail", tags=["trial"], on_progress=lambda count: print("cancelled:", count))
        print("deleted:", await client.delete_all(state="CANCELLED", tags=["trial"]))


asyncio.run(main())
