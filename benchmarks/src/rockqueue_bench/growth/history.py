"""Growth of the history: whether finished jobs, which are kept for days, cost those that are still to be done."""

from __future__ import annotations

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.curve import Curve, Panel, line
from rockqueue_bench.growth.rounds import fill, rounds_load, rounds_row
from rockqueue_bench.rows.work import WINDOW
from rockqueue_bench.server import ServerProcess

# Jobs are finished in parts of this many, so that no long backlog comes into it.
PART_JOBS = 50_000
SLOWEST_PART_S = 60.0


async def measure(bench: Bench) -> Curve:
    """Finishes more and more jobs on one server; at each number starts it anew and takes jobs."""
    numbers = bench.scale.histories
    metrics: dict[str, float] = {}
    seconds = 0.0
    finished = 0
    async with bench.server() as server:
        for number in numbers:
            await _finish(bench, server, number - finished)
            finished = number
            await server.stop()
            await server.start()
            name = f"history_{number}"
            waiting = await fill(bench, server, rounds_load(bench)["round_jobs"])
            row = await rounds_row(bench, server, name)
            await _work_off(bench, server, waiting)
            # The rounds have finished some, too: they count as part of the next step.
            finished += row.jobs + waiting
            metrics |= {**row.metrics, f"{name}_ready_seconds": server.ready_s}
            seconds += row.seconds
    first = metrics[f"history_{numbers[0]}_jobs_per_s"]
    last = numbers[-1]
    metrics[f"history_{last}_share_of_{numbers[0]}"] = metrics[f"history_{last}_jobs_per_s"] / first

    def panel(y_label: str, value: str) -> Panel:
        return Panel(y_label, (line("", {number: metrics[f"history_{number}_{value}"] for number in numbers}),))

    return Curve(
        "history",
        "Finished jobs that are kept",
        "finished jobs in the store",
        panels=(
            panel("delivered and completed, jobs/s", "jobs_per_s"),
            panel("resident memory, MB", "rss_mb"),
            panel("ready after a restart, s", "ready_seconds"),
        ),
        metrics=metrics,
        seconds=seconds,
        load=rounds_load(bench),
    )


async def _finish(bench: Bench, server: ServerProcess, jobs: int) -> None:
    left = jobs
    while left > 0:
        part = min(left, PART_JOBS)
        filled = await fill(bench, server, part)
        await _work_off(bench, server, filled)
        left -= filled


async def _work_off(bench: Bench, server: ServerProcess, jobs: int) -> None:
    params = {"clients": 1, "sessions": 1, "window": WINDOW, "warm_up_jobs": 0, "seconds": SLOWEST_PART_S}
    worked = await bench.once("work", SLOWEST_PART_S * 2, address=server.address, jobs=jobs, **params)
    if worked["jobs"] < jobs:
        raise RuntimeError(f"only {worked['jobs']} of {jobs} jobs were completed within {SLOWEST_PART_S:.0f} s")
