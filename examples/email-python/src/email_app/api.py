"""The web app: it answers as soon as the mail is on disk, and never waits for a mail server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from email_app import newsletter, tenants
from email_app.mails import QUEUE, send_password_reset, send_welcome
from email_app.settings import QueueSettings
from email_app.tenants import Tenant
from email_app.worker import mail_worker
from rockqueue import (
    DeadlineExceeded,
    InvalidRequest,
    InvalidState,
    Job,
    JobNotFound,
    JobState,
    NotFound,
    QueueNotFound,
    ResourceExhausted,
    RockQueueError,
    Unavailable,
)
from rockqueue.fastapi import LifespanState, QueueClient, lifespan

PUSH_TIMEOUT_S = 5
"""A person waits for the answer: better to say "try again" than to wait longer."""


class Address(BaseModel):
    """Whom to write to, and on whose behalf."""

    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
    tenant: Tenant | None = None


class Queued(BaseModel):
    """The mail is on disk and will be sent."""

    job_id: str


class Stats(BaseModel):
    """How the queue is doing."""

    waiting: int = 0
    delayed: int = 0
    active: int = 0
    completed: int = 0
    dead: int = 0
    cancelled: int = 0
    oldest_age_s: float = 0.0
    """How long the mail that has been waiting longest has waited, in seconds."""


class MailJob(BaseModel):
    """What is known of one mail."""

    job_id: str
    name: str
    state: str
    attempt: int
    failures: int
    last_error: str | None


class Reason(BaseModel):
    """One reason why a mail is where it is."""

    kind: str
    message: str


class Why(BaseModel):
    """Why a mail is where it is: what will last longest comes first."""

    state: str
    reasons: list[Reason]


class WorkerState(BaseModel):
    """How one worker fares."""

    name: str
    state: str
    active: int
    stuck: list[str]
    """The mails that it has had in its hands for too long."""


class Workers(BaseModel):
    """The workers that send mails now."""

    workers: list[WorkerState]


def describe(job: Job) -> MailJob:
    """What the app tells of a job."""
    last_error = job.errors[-1].message if job.errors else None
    return MailJob(
        job_id=job.id,
        name=job.name,
        state=job.state.value,
        attempt=job.attempt,
        failures=job.failures,
        last_error=last_error,
    )


router = APIRouter()


@router.post("/signup", status_code=202)
async def signup(address: Address, queue: QueueClient) -> Queued:
    """Queues a welcome mail. 202 means that it is on disk."""
    pushed = await send_welcome.options(group=address.tenant).push(queue, email=address.email)
    return Queued(job_id=pushed.id)


# shown in the README: [route]
@router.post("/reset-password", status_code=202)
async def reset_password(address: Address, queue: QueueClient) -> Queued:
    """Queues a mail that overtakes the welcome mails. 202 means that it is on disk."""
    pushed = await send_password_reset.options(group=address.tenant).push(queue, email=address.email)
    return Queued(job_id=pushed.id)


# shown in the README: [/route]


@router.get("/stats")
async def stats(queue: QueueClient) -> Stats:
    """Counts the mails in each state."""
    try:
        found = await queue.queues.get(QUEUE)
    except QueueNotFound:
        return Stats()
    counts, oldest = found.counts, found.oldest_ready_time
    return Stats(
        waiting=counts.waiting,
        delayed=counts.delayed,
        active=counts.active,
        completed=counts.completed,
        dead=counts.dead,
        cancelled=counts.cancelled,
        oldest_age_s=max(0.0, (datetime.now(UTC) - oldest).total_seconds()) if oldest else 0.0,
    )


@router.get("/jobs/{job_id}")
async def show_job(job_id: UUID, queue: QueueClient) -> MailJob:
    """Tells what became of one mail."""
    return describe(await queue.get(str(job_id)))


# shown in the README: [why]
@router.get("/mails/{job_id}/why")
async def why(job_id: UUID, queue: QueueClient) -> Why:
    """Tells what a mail waits for."""
    explained = await queue.explain(str(job_id))
    reasons = [Reason(kind=reason.kind.value, message=reason.message) for reason in explained.reasons]
    return Why(state=explained.state.value, reasons=reasons)


# shown in the README: [/why]


@router.get("/workers")
async def workers(queue: QueueClient) -> Workers:
    """Lists the workers of the mail queue."""
    return Workers(
        workers=[
            WorkerState(name=one.name, state=one.state.value, active=one.active, stuck=list(one.stuck_job_ids))
            async for one in queue.workers(QUEUE)
        ]
    )


@router.get("/dead-letters")
async def dead_letters(queue: QueueClient) -> list[MailJob]:
    """Lists the mails that were given up."""
    return [describe(job) async for job in queue.list(queue=QUEUE, state=JobState.DEAD)]


@router.post("/jobs/{job_id}/retry", status_code=202)
async def retry(job_id: UUID, queue: QueueClient) -> Queued:
    """Sends a mail of the dead letters again."""
    await queue.retry(str(job_id))
    return Queued(job_id=str(job_id))


async def refuse(_: Request, error: Exception) -> JSONResponse:
    """Answers for what the queue refuses. Nothing is acknowledged that is not on disk."""
    match error:
        case JobNotFound():
            return JSONResponse({"detail": "no mail has this id"}, 404)
        case NotFound():
            return JSONResponse({"detail": "there is no such thing"}, 404)
        case InvalidRequest():
            return JSONResponse({"detail": str(error)}, 422)
        case InvalidState():
            return JSONResponse({"detail": "only a mail of the dead letters can be sent again"}, 409)
        case ResourceExhausted() | Unavailable() | DeadlineExceeded():
            return JSONResponse({"detail": "try again in a moment"}, 503, {"Retry-After": "1"})
        case _:
            return JSONResponse({"detail": "the mail queue failed"}, 500)


def create_app(settings: QueueSettings) -> FastAPI:
    """Returns the app. It opens the queue when it starts; an embedded queue has its worker in the same process."""
    # shown in the README: [lifespan]
    worker = partial(mail_worker, settings=settings) if settings.embedded else None
    opening = lifespan(settings.url, worker=worker, timeout=PUSH_TIMEOUT_S)
    # shown in the README: [/lifespan]

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncGenerator[LifespanState]:
        async with opening(app) as state, tenants.limiting(state["rockqueue"]):
            yield state

    app = FastAPI(title="Shop", lifespan=opened)
    app.include_router(router)
    app.include_router(tenants.router)
    app.include_router(newsletter.router)
    app.add_exception_handler(RockQueueError, refuse)
    return app
