"""Row `single_push_python`: 256 concurrent callers of `client.push` in one process; the SDK makes batches of it."""

from __future__ import annotations

from rockqueue_bench.bench import Bench
from rockqueue_bench.results import Row
from rockqueue_bench.rows.plain import rate_row
from rockqueue_bench.rows.push import PAYLOAD_BYTES, WARM_UP_SECONDS

CALLERS = 256


async def measure(bench: Bench) -> Row:
    """Measures the rate of all callers together, and the latency of single pushes."""
    params = {
        "callers": CALLERS,
        "payload_bytes": PAYLOAD_BYTES,
        "seconds": bench.scale.seconds,
        "warm_up_seconds": WARM_UP_SECONDS,
    }
    async with bench.server() as server:
        return await rate_row(bench, server, "single_push_python", "single_push_python_per_s", "single_push", params)
