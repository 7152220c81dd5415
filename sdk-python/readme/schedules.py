import asyncio

import rockqueue
from jobs import URL, welcome_email


async def main() -> None:
    async with rockqueue.Client(URL) as client:
        nightly = welcome_email.schedule("nightly", cron="0 3 * * *", time_zone="Europe/London", overlap="skip")
        schedule = await nightly.put(client, to="ada@example.com")
        print("next:", schedule.next_time)

        # By name, for a handler in another program or language.
        await client.schedules.put("pulse", rockqueue.NewJob("mail", "pulse"), every=30, jitter=5)

        for slot in await client.schedules.preview(cron="0 9 * * MON", time_zone="Asia/Tokyo", count=2):
            print("a Monday:", slot)

        print("fired by hand:", await client.schedules.trigger("nightly"))
        await client.schedules.pause("nightly")


asyncio.run(main())
