import os

from fastapi import FastAPI, HTTPException, Request

from rockqueue import WebhookVerificationError, webhooks

app = FastAPI()


@app.post("/hook")
async def hook(request: Request) -> str:
    try:
        event = webhooks.verify(await request.body(), request.headers, os.environ["WEBHOOK_SECRET"])
    except WebhookVerificationError as error:
        raise HTTPException(400) from error
    # A delivery may come twice, with the same event.id.
    return f"{event.type} of {event.data['job_id']}"
