"""Measures one setup: starts its server, offers the loads one after the other, ends everything."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rockqueue_bench.peers.child import ChildTrouble
from rockqueue_bench.peers.load import LoadParams, LoadResult, PeerLoad, loading
from rockqueue_bench.peers.places import Missing
from rockqueue_bench.peers.result import CONSUME, END_TO_END, LATENCY, PRODUCE, PeerResult
from rockqueue_bench.peers.setup import BUSY, ONE_BY_ONE, Load, Setup
from rockqueue_bench.server import ServerTrouble

# Pushed one at a time with a pause between them, so that delays are not those of a queue that is full.
LATENCY_JOBS = 200
LATENCY_PAUSE_MS = 5.0
# End to end is a little less work than the slower half did on its own: it takes about as long as a half.
_END_TO_END_SHARE = 0.7
_FEWEST_JOBS = 20
# A load that was to last some seconds has failed after this many times as long, and some more.
_PATIENCE, _PATIENCE_S = 3.0, 8.0
_SETUP_WITHIN_S = 150.0

Progress = Callable[[str], None]
Part = tuple[str, Load]
"""A shape and the load that it is measured with."""


async def measure_setup(setup: Setup, root: Path, seconds: float, progress: Progress) -> list[PeerResult]:
    """All figures of one setup. What could not be measured has the reason.

    A part that fails is told, and costs no other part: the next one gets a server of its own.
    """
    results: list[PeerResult] = []
    version = "?"
    run: SetupRun | None = None

    def missing(reason: str) -> None:
        shape, load = (PRODUCE, BUSY) if run is None else run.part
        progress(f"{setup.name}, {setup.durability}: {shape}, {load}: {reason}")
        about = (setup.name, version, setup.durability, shape, load.batch, load.clients, load.payload_bytes)
        results.append(PeerResult(*about, None, None, None, reason))

    try:
        version = setup.version()
        async with asyncio.timeout(_SETUP_WITHIN_S):
            waiting: deque[Load | None] = deque([*setup.loads, None])
            while waiting:
                async with _server(setup, root) as (address, home):
                    run = SetupRun(setup, version, address, home, seconds, progress, results)
                    try:
                        await run.measure(waiting.popleft())
                        while waiting and setup.keeps_server:
                            await run.measure(waiting.popleft())
                    except ChildTrouble as error:
                        missing(str(error))
    except TimeoutError:
        missing(f"not done within {_SETUP_WITHIN_S:.0f} s")
    except (Missing, ChildTrouble, ServerTrouble, OSError) as error:
        missing(str(error))
    return results


@asynccontextmanager
async def _server(setup: Setup, root: Path) -> AsyncGenerator[tuple[str, Path]]:
    """A server in a directory of its own, which is removed with the block."""
    home = Path(tempfile.mkdtemp(prefix=f"{setup.key}-", dir=root))
    try:
        async with setup.server(home) as address:
            yield address, home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@dataclass(slots=True)
class SetupRun:
    """The loads on a server that is up. `part` is what is being measured."""

    setup: Setup
    version: str
    address: str
    home: Path
    seconds: float
    progress: Progress
    results: list[PeerResult]
    part: Part = (PRODUCE, BUSY)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _queue: str = ""

    async def measure(self, load: Load | None) -> None:
        """Measures a load in each shape, on new queues; None: the delays from push to start."""
        if load is None:
            await self._delays()
            return
        produced = await self._produce(load)
        consumed = await self._consume(load, produced)
        await self._end_to_end(load, min(produced.jobs_per_s, consumed.jobs_per_s))

    async def _produce(self, load: Load) -> LoadResult:
        self.part = PRODUCE, load
        self._queue = await self._new_queue(load)
        result = await self._alone("produce", self._params(load))
        self._note(load, result.jobs_per_s)
        return result

    async def _consume(self, load: Load, produced: LoadResult) -> LoadResult:
        self.part = CONSUME, load
        backlog = produced.jobs
        if self.setup.most_backlog and backlog > self.setup.most_backlog:
            backlog = self.setup.most_backlog
            self._queue = await self._new_queue(load)
            await self._alone("produce", self._params(load, jobs=backlog, seconds=self.seconds * _PATIENCE))
        result = await self._alone("consume", self._params(load, jobs=backlog))
        self._note(load, result.jobs_per_s)
        return result

    async def _end_to_end(self, load: Load, rate: float) -> None:
        self.part = END_TO_END, load
        jobs = max(_FEWEST_JOBS, int(rate * self.seconds * load.share * _END_TO_END_SHARE))
        pushed, worked = await self._together(load, jobs)
        self._note(load, worked.jobs / (worked.ended_ns - pushed.began_ns) * 1e9)

    async def _delays(self) -> None:
        load = ONE_BY_ONE
        self.part = LATENCY, load
        pushed, worked = await self._together(load, LATENCY_JOBS, LATENCY_PAUSE_MS)
        self._note(load, pushed.jobs_per_s, worked)

    async def _alone(self, role: str, params: LoadParams) -> LoadResult:
        async with self._loading(role, params) as load:
            await load.ready()
            load.go()
            return await load.result(self._limit_s(params))

    async def _together(self, load: Load, jobs: int, pause_ms: float = 0.0) -> tuple[LoadResult, LoadResult]:
        """Pushes and works off so many jobs at the same time."""
        self._queue = await self._new_queue(load)
        seconds = self.seconds * _PATIENCE + jobs * pause_ms / 1000
        params = self._params(load, jobs=jobs, seconds=seconds, pause_ms=pause_ms)
        # The worker may take longer: what was pushed at the last moment is worked off too.
        longer = replace(params, seconds=seconds * 2)
        async with self._loading("consume", longer) as worker, self._loading("produce", params) as producer:
            await worker.ready()
            await producer.ready()
            worker.go()
            producer.go()
            pushed = await producer.result(self._limit_s(params))
            worked = await worker.result(self._limit_s(longer))
        if worked.jobs < pushed.jobs or not pushed.jobs:
            raise ChildTrouble(f"{worked.jobs} of {pushed.jobs} jobs were worked off within {seconds * 2:.0f} s")
        return pushed, worked

    @asynccontextmanager
    async def _loading(self, role: str, params: LoadParams) -> AsyncGenerator[PeerLoad]:
        log = self.home / f"{role}-{next(self._numbers)}.log"
        async with loading(self.setup.command(role), params, log) as load:
            yield load

    async def _new_queue(self, load: Load) -> str:
        self._queue = f"bench{next(self._numbers)}"
        if self.setup.prepares:
            async with self._loading("prepare", self._params(load)) as preparation:
                await preparation.result(_PATIENCE_S * _PATIENCE)
        return self._queue

    def _params(self, load: Load, *, jobs: int = 0, seconds: float = 0.0, pause_ms: float = 0.0) -> LoadParams:
        return LoadParams(
            address=self.address,
            queue=self._queue,
            kind=self.setup.kind,
            batch=load.batch,
            clients=load.clients,
            window=load.window,
            payload_bytes=load.payload_bytes,
            seconds=seconds or self.seconds * load.share,
            jobs=jobs,
            pause_ms=pause_ms,
        )

    def _limit_s(self, params: LoadParams) -> float:
        return params.seconds * _PATIENCE + _PATIENCE_S

    def _note(self, load: Load, rate: float, delays: LoadResult | None = None) -> None:
        p50, p99 = (delays.p50_ms, delays.p99_ms) if delays is not None and delays.p50_ms else (None, None)
        setup = self.setup
        result = PeerResult(
            *(setup.name, self.version, setup.durability, self.part[0], load.batch, load.clients, load.payload_bytes),
            *(rate, p50, p99, setup.caveat),
        )
        self.results.append(result)
        delay = "" if p50 is None or p99 is None else f", start after {p50:.2f} ms, p99 {p99:.2f} ms"
        self.progress(f"{setup.name}, {setup.durability}: {self.part[0]}, {load}: {rate:,.0f} jobs/s{delay}")
