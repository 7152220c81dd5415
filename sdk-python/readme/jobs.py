import rockqueue
from rockqueue import JobContext

URL = "embedded:./jobs.db"


@rockqueue.job(queue="mail", max_attempts=3)
async def welcome_email(ctx: JobContext, to: str, name: str = "friend") -> str:
    if "@" not in to:
        raise rockqueue.NonRetryable(f"{to!r} is not an address")
    ctx.log(f"sending to {to}")
    ctx.progress(50, "rendered")
    print(f"mail to {to}: welcome, {name}!", flush=True)
    return f"sent to {to}"
