"""The shops that share the mail queue: each is a group of its own, so that none keeps the others waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from email_app.mails import QUEUE
from rockqueue import Client, DeadlineExceeded, RockQueueError, Unavailable
from rockqueue.fastapi import QueueClient

MAX_ACTIVE = 5
"""How many mails of one tenant may be under way at once."""
PAUSE_S = 1.0

Tenant = Annotated[str, Field(min_length=1, max_length=64)]


class Cancelled(BaseModel):
    """How many mails were cancelled, or would be."""

    affected: int
    dry_run: bool


router = APIRouter()


# shown in the README: [bulk]
@router.delete("/mails")
async def cancel_mails(tenant: Tenant, queue: QueueClient, *, dry_run: bool = False) -> Cancelled:
    """Cancels all mails of a tenant that were not sent. A dry run only counts them."""
    affected = await queue.cancel_all(queue=QUEUE, group=tenant, dry_run=dry_run)
    return Cancelled(affected=affected, dry_run=dry_run)


# shown in the README: [/bulk]


async def limit_tenants(queue: Client) -> None:
    """Sets the limit of a tenant, as soon as the queue can be reached."""
    while True:
        try:
            await queue.queues.update(QUEUE, group_max_active=MAX_ACTIVE)
        except (Unavailable, DeadlineExceeded):
            await asyncio.sleep(PAUSE_S)
        except RockQueueError as error:
            print(f"the limit of a tenant could not be set: {error}", flush=True)
            return
        else:
            return


@asynccontextmanager
async def limiting(queue: Client) -> AsyncGenerator[None]:
    """Sets the limit meanwhile: an app whose queue is away still starts, and tells its visitors to try again."""
    task = asyncio.create_task(limit_tenants(queue))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
