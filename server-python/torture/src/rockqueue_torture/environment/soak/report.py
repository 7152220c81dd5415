"""What a soak shows while it runs, and at its end."""

from __future__ import annotations

from rich.table import Table

from rockqueue_torture.environment.soak.soak import Soaked
from rockqueue_torture.environment.soak.trend import sparkline


def progress_line(soaked: Soaked) -> str:
    """How it stands now."""
    memory = soaked.memory[-1].value if soaked.memory else 0.0
    return (
        f"{soaked.seconds:6.0f} s  {soaked.pushed:>8} pushed {soaked.settled:>8} settled by raw workers  "
        f"{memory:6.1f} MiB {sparkline([sample.value for sample in soaked.memory], 40)}"
    )


def summary(soaked: Soaked) -> Table:
    """All figures, with memory and latency as lines of bars."""
    table = Table("figure", "value", "over time")
    memory = [sample.value for sample in soaked.memory]
    table.add_row("jobs pushed, by second", f"{soaked.pushed}, {soaked.pushed / max(soaked.seconds, 1):.0f}")
    table.add_row("begun by workers of SDKs", ", ".join(f"{sdk} {count}" for sdk, count in soaked.begun_by.items()))
    low, high = min(memory, default=0.0), max(memory, default=0.0)
    table.add_row("memory, MiB", f"{low:.0f} to {high:.0f}", sparkline(memory))
    table.add_row("growth once warm, MiB a minute", f"{soaked.mib_per_min:.2f}")
    pushes = sparkline([sample.value for sample in soaked.pushes_ms])
    table.add_row("push, ms: median, 99 % (early)", f"{soaked.early_ms[0]:.1f}, {soaked.early_ms[1]:.1f}", pushes)
    table.add_row("push, ms: median, 99 % (late)", f"{soaked.late_ms[0]:.1f}, {soaked.late_ms[1]:.1f}")
    return table
