"""A load's line to the harness: parameters and signals come in, readiness and one result go out, as lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from typing import Any

from rockqueue_bench.latency import Latency
from rockqueue_bench.usage import Usage, usage_of


class Link:
    """Says `ready`, waits for the signal to go, and says the result with what the process used in between."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = json.loads(sys.stdin.readline())
        self._before = Usage(0.0, 0.0, 0.0)

    async def ready(self, **facts: Any) -> None:
        """Tells that the load is warm, and returns when it may go."""
        self._say(facts)
        await self.hear()
        self._before = usage_of(os.getpid())

    async def hear(self) -> dict[str, Any]:
        """The next message of the harness. Ends the process when the harness is gone."""
        line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        if not line:
            raise SystemExit("the harness is gone")
        return json.loads(line)

    def done(self, *, jobs: int, seconds: float, latencies_ns: list[int] | None = None, **facts: Any) -> None:
        """Tells the result: so many jobs in so many seconds, with the latencies of calls where there are some."""
        used = usage_of(os.getpid()).since(self._before)
        latency = Latency.of_ns(latencies_ns or [])
        summed = None if latency is None else asdict(latency)
        self._say({"jobs": jobs, "seconds": seconds, "usage": asdict(used), "latency_ms": summed, **facts})

    def _say(self, message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
