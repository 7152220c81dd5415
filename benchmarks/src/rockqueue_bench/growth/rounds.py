"""How fast jobs are taken from a store that holds much, without changing how much it holds."""

from __future__ import annotations

from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.results import Row
from rockqueue_bench.rows.push import PAYLOAD_BYTES
from rockqueue_bench.rows.work import WINDOW
from rockqueue_bench.server import ServerProcess

ROUND_JOBS = 5000
# A server so slow that it does not fill at this rate has failed.
SLOWEST_FILL_PER_S = 10_000


async def fill(bench: Bench, server: ServerProcess, jobs: int) -> int:
    """Pushes so many jobs, rounded up to whole batches; returns how many these are."""
    seconds = max(60.0, jobs / SLOWEST_FILL_PER_S)
    params = {"jobs": jobs, "payload_bytes": PAYLOAD_BYTES, "seconds": seconds}
    filled = await bench.once("fill", seconds + 60, address=server.address, **params)
    if filled["jobs"] < jobs:
        raise RuntimeError(f"only {filled['jobs']} of {jobs} jobs were pushed within {seconds:.0f} s")
    return int(filled["jobs"])


def rounds_load(bench: Bench) -> dict[str, Any]:
    """How the jobs are taken: in rounds, after each of which as many are put back, outside the clock."""
    return {
        "window": WINDOW,
        "round_jobs": min(ROUND_JOBS, bench.scale.backlogs[0]),
        "payload_bytes": PAYLOAD_BYTES,
        "seconds": bench.scale.seconds / 2,
    }


async def rounds_row(bench: Bench, server: ServerProcess, name: str) -> Row:
    """Takes jobs from the queue, of which there must be a round at least; the rate, its cost and the memory then."""
    async with bench.load("backlog", address=server.address, **rounds_load(bench)) as load:
        result, used, _ = await bench.measured(server, load)
    return Row(
        name,
        {
            f"{name}_jobs_per_s": result["jobs"] / result["seconds"],
            f"{name}_server_us_per_job": used.cpu_s / result["jobs"] * 1e6,
            f"{name}_rss_mb": used.rss_mb,
        },
        seconds=result["seconds"],
        jobs=result["jobs"],
    )
