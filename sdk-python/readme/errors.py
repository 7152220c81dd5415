import asyncio

import rockqueue
from jobs import URL, welcome_email
from rockqueue import Unique


async def main() -> None:
    async with rockqueue.Client(URL) as client:
        once = welcome_email.options(unique=Unique("welcome eve@example.com", on_conflict="reject"))
        try:
            await once.push(client, to="eve@example.com")
            await once.push(client, to="eve@example.com")
        except rockqueue.UniqueConflict as error:
            print("refused:", error.reason, "held by", error.metadata["job_id"])
        except rockqueue.RockQueueError as error:
            print(error.code, error, "- perhaps it happened:", error.outcome_unknown)


asyncio.run(main())
