"""RockQueue in a FastAPI app: the client opens and closes with the app, and a route asks for it.

    from rockqueue.fastapi import QueueClient, lifespan

    app = FastAPI(lifespan=lifespan("embedded:./jobs.db", worker=make_worker))

    @app.post("/signup", status_code=202)
    async def signup(email: str, queue: QueueClient) -> str:
        return (await send_email.push(queue, to=email)).id

Needs `pip install "rockqueue[fastapi]"`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from rockqueue._client import Client
from rockqueue.starlette import LifespanState, get_client, lifespan

__all__ = ["LifespanState", "QueueClient", "get_client", "lifespan"]

QueueClient = Annotated[Client, Depends(get_client)]
"""A parameter of a route that is the app's client."""
