"""A load's line to the harness: parameters and signals come in, readiness and one result go out, as lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from rockqueue_bench.latency import Latency
from rockqueue_bench.usage import Usage, usage_of

Sample = tuple[float, float]
SAMPLE_EVERY_S = 1.0


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


class Samples:
    """Notes a count in even steps while its block runs: pairs of seconds since the start and the count by then."""

    def __init__(self, count: Callable[[], int], every_s: float = SAMPLE_EVERY_S) -> None:
        self.taken: list[Sample] = []
        self._count = count
        self._every_s = every_s

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._take())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _take(self) -> None:
        began = time.perf_counter()
        while True:
            # By the clock, and not by pauses: a loop that is late must not make the steps longer.
            elapsed = time.perf_counter() - began
            await asyncio.sleep((len(self.taken) + 1) * self._every_s - elapsed)
            self.taken.append((time.perf_counter() - began, self._count()))


def samples_of(took_ns: Sequence[int], jobs_each: int) -> list[Sample]:
    """The same of work that was timed in pieces, one behind the other, of so many jobs each."""
    taken: list[Sample] = []
    elapsed_s = 0.0
    for done, piece_ns in enumerate(took_ns, start=1):
        elapsed_s += piece_ns / 1e9
        if elapsed_s >= (len(taken) + 1) * SAMPLE_EVERY_S:
            taken.append((elapsed_s, done * jobs_each))
    return taken
