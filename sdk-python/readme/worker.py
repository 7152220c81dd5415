import asyncio

import rockqueue
from jobs import URL, welcome_email


async def main() -> None:
    async with rockqueue.Client(URL) as client:
        worker = rockqueue.Worker(client, jobs=[welcome_email], concurrency=20)
        await worker.run()  # until SIGTERM or Ctrl-C


asyncio.run(main())
