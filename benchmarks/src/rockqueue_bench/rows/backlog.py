"""Row `backlog`: whether a long queue is as fast as a short one, in memory that does not grow, and soon ready."""

from __future__ import annotations

from rockqueue_bench.bench import Bench
from rockqueue_bench.client import usage_in
from rockqueue_bench.results import Row
from rockqueue_bench.rows.plain import latency_in
from rockqueue_bench.rows.push import PAYLOAD_BYTES
from rockqueue_bench.rows.work import WINDOW
from rockqueue_bench.usage import Usage

ROUND_JOBS = 5000
# A server so slow that it does not fill at this rate is measured with the jobs that it took.
SLOWEST_FILL_PER_S = 10_000


async def measure(bench: Bench) -> Row:
    """Measures each length of the queue on a store of its own."""
    rows = [await _measure_length(bench, jobs) for jobs in bench.scale.backlogs]
    metrics: dict[str, float] = {}
    first = bench.scale.backlogs[0]
    for jobs, row in zip(bench.scale.backlogs, rows, strict=True):
        metrics |= row.metrics
        if jobs != first:
            share = row.metrics[f"backlog_{jobs}_jobs_per_s"] / rows[0].metrics[f"backlog_{first}_jobs_per_s"]
            metrics[f"backlog_{jobs}_share_of_{first}"] = share
    last = rows[-1]
    return Row(
        "backlog",
        metrics,
        seconds=sum(row.seconds for row in rows),
        jobs=sum(row.jobs for row in rows),
        durability="fsync",
        server=last.server,
        client=last.client,
        latency_ms=last.latency_ms,
        load={"round_jobs": ROUND_JOBS, "window": WINDOW, "payload_bytes": PAYLOAD_BYTES},
    )


async def _measure_length(bench: Bench, jobs: int) -> Row:
    """Fills a store, starts the server anew on it, and takes jobs in rounds."""
    async with bench.server() as server:
        seconds = max(10.0, jobs / SLOWEST_FILL_PER_S)
        filled = await bench.once(
            "fill", seconds + 60, address=server.address, jobs=jobs, payload_bytes=PAYLOAD_BYTES, seconds=seconds
        )
        if filled["jobs"] < jobs:
            raise RuntimeError(f"only {filled['jobs']} of {jobs} jobs were pushed within {seconds:.0f} s")
        full: Usage = server.usage()
        await server.stop()
        await server.start()
        ready_s = server.ready_s
        params = {
            "window": WINDOW,
            "round_jobs": min(ROUND_JOBS, jobs),
            "payload_bytes": PAYLOAD_BYTES,
            "seconds": bench.scale.seconds / 2,
        }
        async with bench.load("backlog", address=server.address, **params) as load:
            result, used, _ = await bench.measured(server, load)
    return Row(
        f"backlog_{jobs}",
        {
            f"backlog_{jobs}_jobs_per_s": result["jobs"] / result["seconds"],
            f"backlog_{jobs}_server_us_per_job": used.cpu_s / result["jobs"] * 1e6,
            f"backlog_{jobs}_rss_mb": max(full.rss_mb, used.rss_mb),
            f"backlog_{jobs}_ready_seconds": ready_s,
        },
        seconds=result["seconds"],
        jobs=result["jobs"],
        server=used,
        client=usage_in(result),
        latency_ms=latency_in(result),
    )
