"""A worker on the public SDK for Python. Arguments: URL, name, journal, queues by commas; runs until it is ended.

The journal has one JSON line for each beginning and each end of a handler: `["start", ns, job, attempt, tag, checksum,
queue]` and `["end", ns, job, attempt, tag, kind, body]`, with CLOCK_MONOTONIC in nanoseconds. A line goes out in one
write, so that `kill -9` leaves none of another process's lines cut.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

import rockqueue
from rockqueue import JobContext
from rockqueue_torture.load.jobs import NAME, checksum, result_of

LEASE_S = 2.0
_BLOCKED_S = 0.4
_SLOW_S = 0.2


class Journal:
    """Appends lines."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, *line: object) -> None:
        """One line, with the time behind its first word."""
        os.write(self._fd, json.dumps([line[0], time.monotonic_ns(), *line[1:]]).encode() + b"\n")


async def work(url: str, name: str, path: str, queues: list[str]) -> None:
    """Works until the process is ended."""
    journal = Journal(path)

    async def torment(ctx: JobContext, payload: dict[str, str]) -> str:
        tag, fate, filling = payload["tag"], payload["fate"], payload["filling"]
        attempt = ctx.attempt

        def end(kind: str, body: str = "") -> None:
            journal.note("end", ctx.id, attempt, tag, kind, body)

        journal.note("start", ctx.id, attempt, tag, checksum(filling), ctx.queue)
        try:
            if fate == "hang_once" and attempt == 1:
                time.sleep(_BLOCKED_S)  # noqa: ASYNC251 - a handler that blocks the loop must not lose its lease
            elif fate == "slow":
                await asyncio.sleep(_SLOW_S)
        except asyncio.CancelledError:
            end("cancelled")
            raise
        if fate == "fail" or (fate == "fail_once" and attempt == 1):
            end("fail")
            raise RuntimeError("as it was told")
        if fate == "never":
            end("never")
            raise rockqueue.NonRetryable("as it was told")
        if fate == "snooze_once" and attempt == 1:
            end("snooze")
            raise rockqueue.Snooze(0.08)
        if fate == "release_once" and attempt == 1:
            end("release")
            raise rockqueue.Release
        result = result_of(tag, attempt, name)
        end("complete", json.dumps(result))
        return result

    async with rockqueue.Client(url) as client:
        worker = rockqueue.Worker(
            client, handlers={NAME: torment}, queues=queues, concurrency=4, name=name, lease=LEASE_S, resume_grace=5
        )
        await worker.run()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4].split(",")))
