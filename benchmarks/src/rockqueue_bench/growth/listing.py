"""Growth of what is searched: how long a page of ListJobs takes, by filter and by how many jobs there are."""

from __future__ import annotations

from statistics import median

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth.curve import Curve, Panel, line
from rockqueue_bench.growth.rounds import fill
from rockqueue_bench.loads.listing import FILTERS, PAGE, PAGES
from rockqueue_bench.rows.push import PAYLOAD_BYTES

BOUND_MS = 50.0


async def measure(bench: Bench) -> Curve:
    """Adds jobs to one store, and asks for the first pages of each filter at each number."""
    numbers = bench.scale.backlogs
    typical: dict[str, dict[int, float]] = {name: {} for name in FILTERS}
    longest: dict[str, dict[int, float]] = {name: {} for name in FILTERS}
    metrics: dict[str, float] = {}
    seconds, there = 0.0, 0
    async with bench.server() as server:
        for jobs in numbers:
            there += await fill(bench, server, jobs - there)
            asked = await bench.once("listing", bench.limit_s, address=server.address, payload_bytes=PAYLOAD_BYTES)
            for name, took_ms in asked["pages_ms"].items():
                typical[name][jobs], longest[name][jobs] = median(took_ms), max(took_ms)
            metrics[f"listing_{jobs}_longest_ms"] = max(one[jobs] for one in longest.values())
            metrics[f"listing_{jobs}_longest_median_ms"] = max(one[jobs] for one in typical.values())
            seconds += asked["seconds"]

    def panel(y_label: str, values: dict[str, dict[int, float]]) -> Panel:
        lines = tuple(line(name.replace("_", " "), values[name]) for name in FILTERS)
        return Panel(y_label, lines, BOUND_MS, "budget")

    return Curve(
        "listing",
        "Jobs that are searched",
        "jobs in the store",
        panels=(panel("a page, median, ms", typical), panel("a page, longest, ms", longest)),
        metrics=metrics,
        seconds=seconds,
        load={"page_size": PAGE, "pages": PAGES, "payload_bytes": PAYLOAD_BYTES},
    )
