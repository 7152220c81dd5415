"""The mails of the app: each is a job, and its function is what the worker runs."""

from __future__ import annotations

from email.message import EmailMessage

import aiosmtplib

import rockqueue
from email_app.settings import mail_server
from rockqueue import JobContext, RetryPolicy

QUEUE = "mail"
SENDER = "hello@shop.example"
SMTP_TIMEOUT_S = 10
FIRST_PAUSE_S = 0.3
"""Before the first retry, in seconds. Short for a demo; a real mail server would rather be asked again in a minute."""
PERMANENT = 500
"""SMTP replies from here on say that trying again is of no use."""


@rockqueue.job(queue=QUEUE, name="welcome-email", retry=RetryPolicy(base=FIRST_PAUSE_S, max_attempts=3))
async def send_welcome(ctx: JobContext, email: str) -> None:
    """Greets someone who has signed up."""
    await send(ctx, email, "Welcome", "Good to have you with us.")


# shown in the README: [reset]
@rockqueue.job(queue=QUEUE, name="password-reset", priority=10, retry=RetryPolicy(base=FIRST_PAUSE_S, max_attempts=5))
async def send_password_reset(ctx: JobContext, email: str) -> None:
    """Lets someone in who is waiting at the door: it overtakes the welcome mails, and is tried more often."""
    await send(ctx, email, "Reset your password", "Follow this link to choose a new one.")


# shown in the README: [/reset]


async def send(ctx: JobContext, email: str, subject: str, text: str) -> None:
    """Sends one mail. A temporary refusal fails the attempt; a permanent one goes to the dead letters at once."""
    host, port = mail_server()
    message = compose(ctx.id, ctx.attempt, email, subject, text)
    try:
        await aiosmtplib.send(message, hostname=host, port=port, timeout=SMTP_TIMEOUT_S)
    except aiosmtplib.SMTPResponseException as refusal:
        if refusal.code >= PERMANENT:
            raise rockqueue.NonRetryable(f"{refusal.code} {refusal.message}") from refusal
        raise


def compose(job_id: str, attempt: int, email: str, subject: str, text: str) -> EmailMessage:
    """Builds the mail of one attempt.

    A worker may be killed after the mail server took the mail and before the queue heard of it. The mail is then sent
    again, so its Message-ID comes from the job: mail systems recognise the copy.
    """
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = email
    message["Subject"] = subject
    message["Message-ID"] = f"<{job_id}@shop.example>"
    message["X-Job-Id"] = job_id
    message["X-Attempt"] = str(attempt)
    message.set_content(text)
    return message
