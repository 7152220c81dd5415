"""The worker: takes mails from the queue and sends them, a few at a time."""

from __future__ import annotations

import argparse
import asyncio

from email_app import newsletter
from email_app.mails import QUEUE, send_password_reset, send_welcome
from email_app.settings import QueueSettings
from rockqueue import Client, Worker

CONCURRENCY = 4
DEFAULT_SERVER = "rockqueue://127.0.0.1:7655"


def mail_worker(client: Client, settings: QueueSettings) -> Worker:
    """Returns a worker that sends up to four mails at once.

    It fetches nothing ahead: a mail that already lies with a worker cannot be overtaken any more.
    """
    # shown in the README: [worker]
    return Worker(
        client,
        jobs=[send_welcome, send_password_reset, *newsletter.JOBS],
        concurrency=CONCURRENCY,
        prefetch=0,
        lease=settings.lease_s,
    )
    # shown in the README: [/worker]


async def work(settings: QueueSettings) -> None:
    """Sends mails until the process is asked to end; mails under way are finished first."""
    async with Client(settings.url) as client:
        print(f"sending the mails of queue {QUEUE} at {settings.url}", flush=True)
        await mail_worker(client, settings).run(install_signal_handlers=True)


def main() -> None:
    """Runs the worker as a process of its own, beside a queue server."""
    parser = argparse.ArgumentParser(prog="python -m email_app.worker", description=main.__doc__)
    parser.add_argument("--server", default=DEFAULT_SERVER, help=f"URL of the queue server (default: {DEFAULT_SERVER})")
    parser.add_argument(
        "--lease", type=float, default=30.0, help="seconds until the mails of a worker gone silent go to another"
    )
    options = parser.parse_args()
    asyncio.run(work(QueueSettings(options.server, options.lease)))


if __name__ == "__main__":
    main()
