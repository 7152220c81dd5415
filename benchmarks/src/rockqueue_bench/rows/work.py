"""Row `work_raw`: delivery and completion over `Work`, by a raw client, of a backlog that was pushed before."""

from __future__ import annotations

from rockqueue_bench.bench import Bench
from rockqueue_bench.results import Row
from rockqueue_bench.rows.plain import rate_row
from rockqueue_bench.rows.push import PAYLOAD_BYTES

WINDOW = 2000
WARM_UP_JOBS = 4000
# Enough that a server well above its budget does not run out of jobs before the time is up.
BACKLOG_PER_SECOND = 60_000


async def measure(bench: Bench) -> Row:
    """Measures until the time is up or the backlog is worked off."""
    return await work_off(bench, "work_raw", bench.scale.seconds, clients=1, sessions=1, window=WINDOW)


async def work_off(bench: Bench, name: str, seconds: float, *, clients: int, sessions: int, window: int) -> Row:
    """Pushes a backlog and works it off, by so many sessions of each client."""
    async with bench.server() as server:
        filled = await bench.once(
            "fill",
            bench.limit_s,
            address=server.address,
            jobs=WARM_UP_JOBS + int(seconds * BACKLOG_PER_SECOND),
            payload_bytes=PAYLOAD_BYTES,
            seconds=max(seconds * 2, 2.0),
        )
        params = {
            "clients": clients,
            "sessions": sessions,
            "window": window,
            "jobs": filled["jobs"] - WARM_UP_JOBS,
            "warm_up_jobs": WARM_UP_JOBS,
            "seconds": seconds,
        }
        return await rate_row(bench, server, name, f"{name}_jobs_per_s", "work", params)
