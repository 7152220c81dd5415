"""`python -m rockqueue_bench.loads NAME` runs one load; its parameters come as JSON in the first line of its input."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable

import uvloop

from rockqueue_bench.loads.link import Link

# Raw clients are there to keep the server busy, and take the fastest loop; the SDK gets what its users have.
_RAW = frozenset({
    "backlog", "delayed", "echo", "echo_serve", "fill", "floor", "groups",
    "listing", "probe", "push", "queues", "redis_push", "schedules", "seed", "work",
})  # fmt: skip
_SDK = frozenset({"e2e_produce", "e2e_work", "single_push", "starts_push", "starts_work"})


def main() -> None:
    """Runs the load that the command line names."""
    name = sys.argv[1]
    if name not in _RAW | _SDK:
        raise SystemExit(f"no load {name}; there are: {', '.join(sorted(_RAW | _SDK))}")
    # Only the module of this load, so that a load does not carry the memory of the others.
    run: Callable[[Link], Awaitable[None]] = importlib.import_module(f"rockqueue_bench.loads.{name}").run
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if name in _RAW else None) as runner:
        runner.run(_run(run))


async def _run(run: Callable[[Link], Awaitable[None]]) -> None:
    await run(Link())


if __name__ == "__main__":
    main()
