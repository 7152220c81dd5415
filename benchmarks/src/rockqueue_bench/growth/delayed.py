"""Many delayed jobs due at once: how long until all are delivered, and how long another call waits meanwhile."""

from __future__ import annotations

from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.curve import Curve, Panel, line
from rockqueue_bench.rows.push import PAYLOAD_BYTES
from rockqueue_bench.rows.work import WINDOW

# Between the end of the filling and the moment in which all are due: other calls are watched in peace as long.
CALM_SECONDS = 2.0
WITHIN_S = 180.0
PROBE_PAUSE_MS = 5


async def measure(bench: Bench) -> Curve:
    """A worker takes jobs that are all due at one moment; another client pushes one job at a time, before and then."""
    jobs = bench.scale.delayed_jobs
    params: dict[str, Any] = {
        "jobs": jobs,
        "payload_bytes": PAYLOAD_BYTES,
        "window": WINDOW,
        "calm_seconds": CALM_SECONDS,
    }
    async with (
        bench.server() as server,
        bench.load("delayed", address=server.address, **params) as worker,
        bench.load("probe", address=server.address, pause_ms=PROBE_PAUSE_MS) as probe,
    ):
        await probe.ready()
        await worker.ready()
        probe.go()
        worker.go()
        worked = await worker.result(WITHIN_S)
        probe.tell({})
        probed = await probe.result(bench.limit_s)
    due_ns: int = worked["due_ns"]
    calls = [((at_ns - due_ns) / 1e9, took_ns / 1e6) for at_ns, took_ns in probed["calls"]]
    # What began before they were due may have been caught by it.
    meanwhile = [took_ms for at_s, took_ms in calls if at_s + took_ms / 1e3 > 0 and at_s < worked["all_seconds"]]
    calm = [took_ms for at_s, took_ms in calls if at_s + took_ms / 1e3 <= 0]
    if not meanwhile:
        raise RuntimeError("no call was made while the delayed jobs were delivered")
    return Curve(
        "delayed",
        f"{jobs:,} delayed jobs, due at one moment",
        "seconds since they were due",
        x_log=False,
        panels=(
            Panel("completed, jobs", (line("", [(0.0, 0.0), *worked["samples"]]),)),
            Panel("a push meanwhile, ms", (line("", [(at_s, took_ms) for at_s, took_ms in calls]),)),
        ),
        metrics={
            "delayed_all_seconds": worked["all_seconds"],
            "delayed_first_seconds": worked["first_seconds"],
            "delayed_longest_stall_ms": max(meanwhile),
            "delayed_calm_longest_ms": max(calm, default=0.0),
        },
        seconds=worked["seconds"],
        load={**params, "probe_pause_ms": PROBE_PAUSE_MS},
    )
