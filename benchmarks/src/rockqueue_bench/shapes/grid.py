"""Every shape in every way: batch 1 and 50, one connection and 8, 100 bytes and 1 KiB.

A connection has one batch under way at a time. A producer pushes a batch and waits until it is on disk. A consumer
takes a batch, completes it, and grants as many credits with that.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.rows.plain import latency_in
from rockqueue_bench.rows.push import WARM_UP_SECONDS
from rockqueue_bench.run import TROUBLE
from rockqueue_bench.shapes.cell import SHAPES, Cell, Way

BATCHES, CLIENTS, PAYLOADS_BYTES = (1, 50), (1, 8), (100, 1024)
WAYS = tuple(
    Way(batch, clients, payload_bytes) for payload_bytes, clients, batch in product(PAYLOADS_BYTES, CLIENTS, BATCHES)
)
WARM_UP_BATCHES = 20
# No server is so fast that one connection works off more batches than this.
BATCHES_PER_SECOND = 2500


async def measure(bench: Bench, progress: Callable[[str], None]) -> list[Cell]:
    """Measures all; a cell that fails says so."""
    cells: list[Cell] = []
    for way in WAYS:
        progress(f"shapes, batch {way.batch}, {way.clients} clients, {way.payload_bytes} bytes")
        try:
            cells += await measure_way(bench, way)
        except TROUBLE as error:
            cells += [Cell(shape, way, None, error=str(error) or repr(error)) for shape in SHAPES]
    return cells


async def measure_way(bench: Bench, way: Way) -> list[Cell]:
    """Produces, consumes what was produced, and then does both at once, on one server."""
    async with bench.server() as server:
        produced = await _produce(bench, server.address, way)
        consumed = await _consume(bench, server.address, way, produced["jobs"])
        rate = min(one["jobs"] / one["seconds"] for one in (produced, consumed))
        both = await _both(bench, server.address, way, max(way.batch, int(rate * bench.scale.shape_seconds / 2)))
    return [
        Cell(shape, way, result["jobs"] / result["seconds"], latency_in(result))
        for shape, result in zip(SHAPES, (produced, consumed, both), strict=True)
    ]


def _producer(bench: Bench, way: Way) -> dict[str, Any]:
    return {
        "batch": way.batch,
        "clients": way.clients,
        "in_flight": 1,
        "payload_bytes": way.payload_bytes,
        "jobs": None,
        "seconds": bench.scale.shape_seconds,
        "warm_up_seconds": min(WARM_UP_SECONDS, bench.scale.shape_seconds),
    }


def _consumer(bench: Bench, way: Way) -> dict[str, Any]:
    return {
        "clients": way.clients,
        "sessions": 1,
        "window": way.batch,
        "warm_up_jobs": 0,
        "seconds": bench.scale.shape_seconds,
    }


async def _produce(bench: Bench, address: str, way: Way) -> dict[str, Any]:
    return await bench.once("push", bench.limit_s, address=address, **_producer(bench, way))


async def _consume(bench: Bench, address: str, way: Way, waiting: int) -> dict[str, Any]:
    """Works off what was produced and more, if there is more time; leaves nothing behind."""
    warm_up = WARM_UP_BATCHES * way.batch * way.clients
    wanted = int(bench.scale.shape_seconds * BATCHES_PER_SECOND) * way.batch
    more = max(0, warm_up + wanted - waiting)
    if more:
        fill = {"jobs": more, "payload_bytes": way.payload_bytes, "seconds": bench.limit_s}
        waiting += (await bench.once("fill", bench.limit_s, address=address, **fill))["jobs"]
    params = {**_consumer(bench, way), "warm_up_jobs": warm_up}
    measured = await bench.once("work", bench.limit_s, address=address, jobs=waiting - warm_up, **params)
    left = waiting - warm_up - measured["jobs"]
    if left:
        rest = {"clients": 1, "sessions": 1, "window": 2000, "warm_up_jobs": 0, "seconds": bench.limit_s}
        await bench.once("work", bench.limit_s, address=address, jobs=left, **rest)
    return measured


async def _both(bench: Bench, address: str, way: Way, jobs: int) -> dict[str, Any]:
    """Pushes so many jobs and completes them meanwhile; from the first push to the last completion on disk."""
    # What the producers' shares are rounded up to, the consumers must know.
    share = -(-jobs // (way.clients * way.batch)) * way.batch
    jobs = share * way.clients
    produce: dict[str, Any] = {**_producer(bench, way), "jobs": jobs, "seconds": bench.limit_s}
    consume: dict[str, Any] = {**_consumer(bench, way), "jobs": jobs, "seconds": bench.limit_s}
    async with (
        bench.load("work", address=address, **consume) as work,
        bench.load("push", address=address, **produce) as push,
    ):
        await work.ready()
        await push.ready()
        work.go()
        push.go()
        pushed = await push.result(bench.limit_s)
        worked = await work.result(bench.limit_s)
    if not jobs == pushed["jobs"] == worked["jobs"]:
        raise RuntimeError(f"{jobs} jobs were to be pushed, {pushed['jobs']} were, {worked['jobs']} completed")
    return {**worked, "seconds": (worked["ended_ns"] - pushed["began_ns"]) / 1e9}
