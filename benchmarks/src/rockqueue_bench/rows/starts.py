"""Row `push_to_start`: how soon a handler starts after `push` was called, on an idle server, through the SDK."""

from __future__ import annotations

from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.client import LoadTrouble, usage_in
from rockqueue_bench.results import Row
from rockqueue_bench.rows.plain import latency_in

WARM_UP_JOBS = 20
PAUSE_MS = 10


async def measure(bench: Bench) -> Row:
    """Measures from the call of `push` in one process to the first line of the handler in another."""
    params: dict[str, Any] = {"jobs": bench.scale.starts_jobs, "warm_up_jobs": WARM_UP_JOBS}
    async with (
        bench.server() as server,
        bench.load("starts_work", address=server.address, **params) as worker,
        bench.load("starts_push", address=server.address, pause_ms=PAUSE_MS, **params) as pusher,
    ):
        await worker.ready()
        await pusher.ready()
        before = await server.usage()
        worker.go()
        pusher.go()
        pushed = await pusher.result(bench.limit_s + params["jobs"] * 0.1)
        started = await worker.result(bench.limit_s)
        used = (await server.usage()).since(before)
    latency = latency_in(started)
    if latency is None:
        raise LoadTrouble("no handler was started")
    return Row(
        "push_to_start",
        {"push_to_start_ms_p50": latency.p50, "push_to_start_ms_p99": latency.p99},
        seconds=pushed["seconds"],
        jobs=started["jobs"],
        durability="fsync",
        server=used,
        client=usage_in(pushed).plus(usage_in(started)),
        latency_ms=latency,
        load={**params, "pause_ms": PAUSE_MS},
    )
