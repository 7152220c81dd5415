"""A whole run: its parts in their order, in one temporary directory that goes with it."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.plan import WITHIN_S, Kind, measure_growth
from rockqueue_bench.machine import machine_facts
from rockqueue_bench.peers import measure_peers
from rockqueue_bench.progress import RunProgress
from rockqueue_bench.record import Record
from rockqueue_bench.run import TROUBLE, Plan, measure_rows
from rockqueue_bench.scale import Scale
from rockqueue_bench.shapes import grid, seed

PARTS = ("rows", "shapes", "growth", "peers")


@dataclass(frozen=True, slots=True)
class Order:
    """What to measure. `growth_within_s` is the time of each kind of growth."""

    mode: str
    scale: Scale
    plans: Sequence[Plan] = ()
    shapes: bool = False
    growth: Sequence[Kind] = ()
    growth_within_s: float = WITHIN_S
    peers: bool = False


async def measure(order: Order, directory: Path | None, progress: RunProgress) -> Record:
    """Measures all of an order. `directory` is where the stores are made; None: that of temporary files.

    A SIGTERM ends the processes that were started and removes their files, as Ctrl-C does, and raises CancelledError.
    """
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = time.perf_counter()
    with working_folder(directory) as root:
        record = await _parts(order, root, progress)
    return replace(record, ended=datetime.now(UTC), seconds=time.perf_counter() - began)


@contextmanager
def working_folder(directory: Path | None) -> Generator[Path]:
    """A folder that is removed with the block. Servers that run as a user of their own can pass through it."""
    with tempfile.TemporaryDirectory(prefix="rockqueue-bench-", dir=directory) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


async def _parts(order: Order, root: Path, progress: RunProgress) -> Record:
    facts = await asyncio.to_thread(machine_facts, root)
    record = Record(order.mode, datetime.now(UTC), 0.0, facts)
    bench = Bench(root, order.scale)
    record = replace(record, rows=await measure_rows(bench, order.plans, progress))
    if order.shapes:
        record = replace(record, cells=await grid.measure(bench, progress.began), seed=await _seed(bench, progress))
    curves = await measure_growth(bench, order.growth, progress.began, order.growth_within_s)
    for curve in curves:
        progress.ended(curve.name, error=curve.error)
    record = replace(record, curves=curves)
    if order.peers:
        async with bench.directory() as home:
            record = replace(record, peers=await measure_peers(home, order.scale.peer_seconds, progress.began))
    return record


async def _seed(bench: Bench, progress: RunProgress) -> dict[str, float]:
    progress.began("shapes: the published one")
    try:
        return await seed.measure(bench)
    except TROUBLE as error:
        progress.ended("the published shape", error=str(error) or repr(error))
        return {}
