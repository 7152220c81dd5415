"""The newsletter: a flow that is rendered once, sent to all, and reported; and a digest that comes every night."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

import rockqueue
from email_app.mails import send
from rockqueue import JobContext, WebhookVerificationError, webhooks
from rockqueue.fastapi import QueueClient
from rockqueue.flows import Flow, group

QUEUE = "newsletter"
DIGEST = "nightly-digest"
SECRET_VARIABLE = "WEBHOOK_SECRET"  # noqa: S105 - the name of the variable


@rockqueue.job(queue=QUEUE, name="render-newsletter")
async def render(subject: str) -> dict[str, str]:
    """Renders the newsletter once for everybody."""
    return {"subject": subject, "text": f"{subject}: all that is new in our shop."}


@rockqueue.job(queue=QUEUE, name="send-newsletter")
async def send_copy(ctx: JobContext, email: str) -> str:
    """Sends one copy of what was rendered."""
    (rendered,) = (await ctx.parents()).values()
    await send(ctx, email, rendered.result["subject"], rendered.result["text"])
    return email


@rockqueue.job(queue=QUEUE, name="report-newsletter")
async def report(ctx: JobContext, to: str) -> str:
    """Writes to the shop how many copies were sent; those that could not be are no reason to stay silent."""
    copies = (await ctx.parents()).values()
    sent = sum(copy.state == "COMPLETED" for copy in copies)
    summary = f"{sent} of {len(copies)} copies were sent"
    await send(ctx, to, "Newsletter", summary)
    return summary


@rockqueue.job(queue=QUEUE, name="digest")
async def send_digest(ctx: JobContext, email: str) -> None:
    """Sends the digest of the day that the job stands for."""
    day = ctx.origin.slot_time
    await send(ctx, email, "Digest", f"What happened before {day:%Y-%m-%d %H:%M}." if day else "What happened.")


JOBS = (render, send_copy, report, send_digest)


# shown in the README: [flow]
def newsletter(subject: str, readers: list[str], editor: str) -> Flow:
    """Renders once, then sends to all readers side by side, then reports, whatever became of the copies."""
    flow = Flow("newsletter")
    rendered = flow.add(render.new(subject=subject))
    copies = flow.add(group(send_copy.new(email=reader) for reader in readers), after=rendered)
    flow.add(report.new(to=editor), after=copies, on_failure="ignore")
    return flow


# shown in the README: [/flow]


class Issue(BaseModel):
    """A newsletter to send."""

    subject: Annotated[str, Field(min_length=1, max_length=100)]
    readers: Annotated[list[str], Field(min_length=1, max_length=1000)]
    editor: str


class Progress(BaseModel):
    """How far a newsletter is."""

    flow_id: str
    state: str
    completed: int
    of: int


class Digest(BaseModel):
    """Who gets the digest, and when."""

    email: str
    cron: str = "0 3 * * *"
    time_zone: str = "UTC"


class Due(BaseModel):
    """When the digest comes next."""

    slots: list[datetime]


router = APIRouter()


@router.post("/newsletter", status_code=202)
async def publish(issue: Issue, queue: QueueClient) -> Progress:
    """Queues a newsletter: all of it is on disk, or nothing."""
    flow = newsletter(issue.subject, issue.readers, issue.editor)
    pushed = await queue.flows.push(flow)
    return Progress(flow_id=pushed.id, state="RUNNING", completed=0, of=len(pushed.job_ids))


@router.get("/newsletter/{flow_id}")
async def progress(flow_id: str, queue: QueueClient) -> Progress:
    """Tells how far a newsletter is."""
    flow = await queue.flows.get(flow_id)
    return Progress(flow_id=flow.id, state=flow.state.value, completed=flow.completed, of=flow.size)


# shown in the README: [schedule]
@router.put("/digest")
async def put_digest(digest: Digest, queue: QueueClient) -> Due:
    """Has the digest come every night. Put again, it changes."""
    timing = send_digest.schedule(DIGEST, cron=digest.cron, time_zone=digest.time_zone, overlap="skip")
    await timing.put(queue, email=digest.email)
    return Due(slots=await queue.schedules.preview(DIGEST, count=3))


# shown in the README: [/schedule]


@router.post("/digest/now", status_code=202)
async def digest_now(queue: QueueClient) -> dict[str, str | None]:
    """Sends the digest now, unless one is under way."""
    return {"job_id": await queue.schedules.trigger(DIGEST)}


# shown in the README: [webhook]
@router.post("/hook")
async def hook(request: Request) -> dict[str, str]:
    """Takes what a webhook of the queue sends, and nothing from anybody else."""
    try:
        event = webhooks.verify(await request.body(), request.headers, os.environ[SECRET_VARIABLE])
    except WebhookVerificationError as error:
        raise HTTPException(400, str(error)) from error
    print(f"webhook {event.id}: {event.type} {event.data.get('job_id', '')}", flush=True)
    return {"took": event.type}


# shown in the README: [/webhook]
