"""Row `echo`: how many jobs gRPC carries to a Python server and back when nothing is done with them."""

from __future__ import annotations

from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.client import usage_in
from rockqueue_bench.results import Row
from rockqueue_bench.rows.plain import row_of
from rockqueue_bench.rows.push import BATCH, IN_FLIGHT, PAYLOAD_BYTES, WARM_UP_SECONDS


async def measure(bench: Bench) -> Row:
    """Sends what the row `push_batch50` sends."""
    params: dict[str, Any] = {
        "batch": BATCH,
        "in_flight": IN_FLIGHT,
        "payload_bytes": PAYLOAD_BYTES,
        "seconds": bench.scale.seconds,
    }
    async with bench.load("echo_serve") as server:
        address = (await server.ready())["address"]
        async with bench.load("echo", address=address, warm_up_seconds=WARM_UP_SECONDS, **params) as load:
            await load.ready()
            server.go()
            load.go()
            result = await load.result(bench.limit_s)
            server.tell({})
            served = await server.result(bench.limit_s)
    return row_of(
        "echo",
        "echo_jobs_per_s",
        result,
        params,
        server=usage_in(served),
        client=usage_in(result),
    )
