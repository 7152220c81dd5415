import rockqueue
from jobs import welcome_email
from rockqueue.testing import RockQueueServer


async def test_it_is_sent_tomorrow(rockqueue_server: RockQueueServer) -> None:
    async with rockqueue_server.client() as client:
        job = await welcome_email.options(delay=86_400).push(client, to="ada@example.com")
        await rockqueue_server.advance(86_400)
        async with rockqueue.Worker(client, jobs=[welcome_email]):
            assert await client.result(job.id, timeout=10) == "sent to ada@example.com"
