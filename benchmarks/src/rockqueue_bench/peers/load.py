"""A load of a peer in a process of its own, as the harness sees it: it speaks in lines of JSON."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rockqueue_bench.peers.child import Child, ChildTrouble, running

READY_WITHIN_S = 40.0


@dataclass(frozen=True, slots=True)
class LoadParams:
    """What is asked of a load; benchmarks/peers/go/main.go says what the fields mean."""

    address: str
    queue: str
    kind: str
    batch: int
    clients: int
    window: int
    payload_bytes: int
    seconds: float
    jobs: int = 0
    pause_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Jobs acknowledged between two moments of the monotonic clock, and delays from push to start; 0: none known."""

    jobs: int
    began_ns: int
    ended_ns: int
    p50_ms: float
    p99_ms: float

    @property
    def jobs_per_s(self) -> float:
        """The rate. Raises ChildTrouble when nothing was acknowledged."""
        if self.jobs == 0 or self.ended_ns <= self.began_ns:
            raise ChildTrouble("not one job was acknowledged in time")
        return self.jobs / (self.ended_ns - self.began_ns) * 1e9


class PeerLoad:
    """A load that was started."""

    def __init__(self, child: Child) -> None:
        self._child = child

    async def ready(self) -> None:
        """Waits until it is connected and warm. Raises ChildTrouble."""
        await self._hear(READY_WITHIN_S)

    def go(self) -> None:
        """Lets the measured part begin."""
        self.tell({})

    async def result(self, within_s: float) -> LoadResult:
        """What it has measured. Raises ChildTrouble."""
        return LoadResult(**await self._hear(within_s))

    def tell(self, message: dict[str, Any]) -> None:
        """Sends a line."""
        assert self._child.process.stdin is not None
        self._child.process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _hear(self, within_s: float) -> dict[str, Any]:
        assert self._child.process.stdout is not None
        try:
            line = await asyncio.wait_for(self._child.process.stdout.readline(), within_s)
        except TimeoutError:
            raise self._trouble(f"said nothing for {within_s:.0f} s") from None
        if not line:
            raise self._trouble("ended too soon")
        try:
            return json.loads(line)
        except json.JSONDecodeError:
            raise self._trouble(f"said {line[:200]!r}") from None

    def _trouble(self, what: str) -> ChildTrouble:
        said = self._child.log_tail()
        return ChildTrouble(f"{self._child.name} {what}" + (f": {said}" if said else ""))


@asynccontextmanager
async def loading(command: Sequence[str | Path], params: LoadParams, log: Path) -> AsyncGenerator[PeerLoad]:
    """Runs a load for as long as the block lasts. It is not ready yet."""
    async with running(command, log, stop=signal.SIGKILL, pipes=True) as child:
        load = PeerLoad(child)
        load.tell(asdict(params))
        yield load
