import asyncio

import rockqueue
from jobs import URL
from rockqueue import JobContext
from rockqueue.flows import Flow, group


@rockqueue.job(queue="reports")
async def fetch(year: int) -> list[int]:
    return [year, year + 1, year + 2]


@rockqueue.job(queue="reports")
async def render(ctx: JobContext, page: int) -> str:
    parents = await ctx.parents()
    return f"page about {parents['fetch'].result[page]}"


@rockqueue.job(queue="reports")
async def send(ctx: JobContext, to: str) -> str:
    pages = [parent.result for parent in (await ctx.parents()).values()]
    return f"{len(pages)} pages to {to}, the last a {pages[-1]}"


async def main() -> None:
    flow = Flow("report")
    fetched = flow.add(fetch.new(year=2024))
    pages = flow.add(group(render.new(page=page) for page in range(3)), after=fetched)
    flow.add(send.new(to="ada@example.com"), after=pages)

    async with rockqueue.Client(URL) as client, rockqueue.Worker(client, jobs=[fetch, render, send]):
        pushed = await client.flows.push(flow)
        finished = await client.flows.wait(pushed.id, timeout=20)
        print("flow:", finished.state, finished.completed, "of", finished.size)
        print(await client.result(pushed.job_ids["send"]))


asyncio.run(main())
