"""Row `floor`: how fast the disk and RocksDB take what pushes write, with no queue above them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.client import usage_in
from rockqueue_bench.results import Row
from rockqueue_bench.rows.plain import row_of
from rockqueue_bench.rows.push import BATCH, IN_FLIGHT, PAYLOAD_BYTES, WARM_UP_SECONDS


async def measure(bench: Bench) -> Row:
    """Writes what the row `push_batch50` makes the server write; a group is what its calls in flight hold."""
    params: dict[str, Any] = {
        "batch": BATCH,
        "group": IN_FLIGHT,
        "payload_bytes": PAYLOAD_BYTES,
        "seconds": bench.scale.seconds,
    }
    async with (
        bench.directory() as directory,
        bench.load("floor", directory=str(directory), warm_up_seconds=WARM_UP_SECONDS, **params) as load,
    ):
        await load.ready()
        load.go()
        result = await load.result(bench.limit_s)
    return row_of(
        "floor",
        "floor_jobs_per_s",
        result,
        params,
        durability="fsync",
        client=replace(usage_in(result), fsyncs=result["jobs"] // (BATCH * IN_FLIGHT)),
    )
