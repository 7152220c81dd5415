"""The shape of RustQueue's published table: 5,000 jobs, batches of 50, one connection, one step after the other."""

from __future__ import annotations

import statistics

from rockqueue_bench.bench import Bench
from rockqueue_bench.shapes.cell import SHAPES

PUBLISHED: dict[str, dict[str, float | None]] = {
    "RustQueue hybrid, as published (memory, snapshot later)": {
        "produce": 47_129,
        "consume": 38_048,
        "end to end": 22_685,
    },
    "RustQueue durable, as published (fsync each, batch 1)": {"produce": 314, "consume": None, "end to end": 73},
}
"""Jobs per second on an Apple laptop, by its authors: docs/competitor-benchmark-2026-03-28.md, benchmark-v0.2.0.md."""


async def measure(bench: Bench) -> dict[str, float]:
    """Jobs per second of each shape: the median of several runs, each on a server of its own."""
    rates: dict[str, list[float]] = {shape: [] for shape in SHAPES}
    for _ in range(bench.scale.seed_repeats):
        async with bench.server() as server:
            told = await bench.once("seed", bench.limit_s, address=server.address, jobs=bench.scale.seed_jobs)
        for shape in SHAPES:
            rates[shape].append(bench.scale.seed_jobs / told["took"][shape])
    return {shape: statistics.median(rates[shape]) for shape in SHAPES}
