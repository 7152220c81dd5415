from fastapi import FastAPI

import rockqueue
from jobs import URL, welcome_email
from rockqueue.fastapi import QueueClient, lifespan


def make_worker(client: rockqueue.Client) -> rockqueue.Worker:
    return rockqueue.Worker(client, jobs=[welcome_email], concurrency=4)


app = FastAPI(lifespan=lifespan(URL, worker=make_worker))


@app.post("/signup", status_code=202)
async def signup(email: str, queue: QueueClient) -> str:
    job = await welcome_email.push(queue, to=email)
    return job.id
