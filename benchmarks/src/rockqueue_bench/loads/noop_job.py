"""The job of the SDK's loads: it does nothing, so that what is measured is everything around it."""

from __future__ import annotations

import rockqueue
from rockqueue_bench.loads.wire import NAME, QUEUE, payload_of


@rockqueue.job(queue=QUEUE, name=NAME)
async def noop(filler: str) -> None:
    """Does nothing with its argument."""


def filler_of(payload_bytes: int) -> str:
    """The argument that makes a payload of so many bytes of JSON."""
    return "x" * (payload_bytes - len(payload_of(13)))
