"""Row `push_batch50`: batches of 50 jobs of 100 bytes, 8 calls in flight, by a raw client, answered after an fsync."""

from __future__ import annotations

from dataclasses import replace

from rockqueue_bench.bench import Bench
from rockqueue_bench.results import Row
from rockqueue_bench.rows.plain import rate_row

BATCH = 50
IN_FLIGHT = 8
PAYLOAD_BYTES = 100
WARM_UP_SECONDS = 0.5


async def measure(bench: Bench, floor: Row, echo: Row) -> Row:
    """Measures the rate, and which share it is of the two floors of this run: of the disk's, and of gRPC's."""
    params = {
        "batch": BATCH,
        "clients": 1,
        "in_flight": IN_FLIGHT,
        "payload_bytes": PAYLOAD_BYTES,
        "jobs": None,
        "seconds": bench.scale.seconds,
        "warm_up_seconds": WARM_UP_SECONDS,
    }
    metric = "push_batch50_jobs_per_s"
    async with bench.server() as server:
        row = await rate_row(bench, server, "push_batch50", metric, "push", params)
    shares = {
        f"push_share_of_{floor.name}": row.metrics[metric] / floor.metrics[f"{floor.name}_jobs_per_s"]
        for floor in (floor, echo)
        if floor.metrics
    }
    return replace(row, metrics={**row.metrics, **shares})
