"""Row `redis_list`: the same payloads into a Redis list that is synced before each answer, by the fastest client."""

from __future__ import annotations

from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.client import usage_in
from rockqueue_bench.redis import redis_server
from rockqueue_bench.results import Row
from rockqueue_bench.rows.plain import row_of
from rockqueue_bench.rows.push import BATCH, IN_FLIGHT, PAYLOAD_BYTES, WARM_UP_SECONDS


async def measure(bench: Bench) -> Row:
    """Pushes pipelines of as many as a batch of the row `push_batch50` holds, as many of them in flight."""
    params: dict[str, Any] = {
        "batch": BATCH,
        "in_flight": IN_FLIGHT,
        "payload_bytes": PAYLOAD_BYTES,
        "seconds": bench.scale.seconds,
    }
    async with (
        bench.directory() as home,
        redis_server(home) as redis,
        bench.load("redis_push", address=redis.address, warm_up_seconds=WARM_UP_SECONDS, **params) as load,
    ):
        await load.ready()
        before = redis.usage()
        load.go()
        result = await load.result(bench.limit_s)
        used = redis.usage().since(before)
    return row_of(
        "redis_list",
        "redis_list_push_jobs_per_s",
        result,
        {**params, "redis": redis.version},
        durability="fsync",
        server=used,
        client=usage_in(result),
    )
