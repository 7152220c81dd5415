"""Rows `single_push_python`, `_node`, `_go`: 256 concurrent callers of `push` in one process; the SDK batches them."""

from __future__ import annotations

from rockqueue_bench.bench import Bench
from rockqueue_bench.results import Row
from rockqueue_bench.rows.plain import rate_row
from rockqueue_bench.rows.push import PAYLOAD_BYTES, WARM_UP_SECONDS

CALLERS = 256


async def measure(bench: Bench, language: str) -> Row:
    """Measures the rate of all callers together, and the latency of single pushes. Raises NotHere."""
    params = {
        "callers": CALLERS,
        "payload_bytes": PAYLOAD_BYTES,
        "seconds": bench.scale.seconds,
        "warm_up_seconds": WARM_UP_SECONDS,
    }
    name = f"single_push_{language}"
    async with bench.server() as server:
        return await rate_row(bench, server, name, f"{name}_per_s", "single_push", params, language)
