"""One run: the chosen rows in their order, one after the other, none of them able to spoil the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from rockqueue_bench.bench import Bench
from rockqueue_bench.client import LoadTrouble
from rockqueue_bench.progress import RunProgress
from rockqueue_bench.results import Row
from rockqueue_bench.rows import backlog, end_to_end, floor, idle, push, single, starts, work
from rockqueue_bench.server import ServerTrouble

Measured = Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class Plan:
    """A row that can be measured. `metrics` begin with these names; `needs` names rows of which it takes a ratio."""

    name: str
    measure: Callable[[Bench, Measured], Awaitable[Row]]
    metrics: tuple[str, ...]
    needs: tuple[str, ...] = ()
    quick: bool = True


PLANS: tuple[Plan, ...] = (
    Plan("idle", lambda bench, _: idle.measure(bench), ("idle_rss_mb", "idle_cpu_percent", "start_seconds")),
    Plan("floor", lambda bench, _: floor.measure(bench), ("floor_jobs_per_s",)),
    Plan(
        "push_batch50",
        lambda bench, earlier: push.measure(bench, earlier["floor"]),
        ("push_batch50_jobs_per_s", "push_share_of_floor"),
        # Right behind the floor: a machine's disk and clock drift within minutes.
        needs=("floor",),
    ),
    Plan("work_raw", lambda bench, _: work.measure(bench), ("work_raw_jobs_per_s",)),
    Plan("e2e_python", lambda bench, _: end_to_end.measure(bench), ("e2e_python_jobs_per_s",)),
    Plan("single_push_python", lambda bench, _: single.measure(bench), ("single_push_python_per_s",)),
    Plan("push_to_start", lambda bench, _: starts.measure(bench), ("push_to_start_ms_p50", "push_to_start_ms_p99")),
    Plan("backlog", lambda bench, _: backlog.measure(bench), (), quick=False),
)


class UnknownRow(Exception):
    """A row was asked for that does not exist; the message names those that do."""


def choose(wanted: Sequence[str], *, quick: bool) -> list[Plan]:
    """The rows of these names, or with values of these names, and those that they need; all when none is named."""
    by_name = {plan.name: plan for plan in PLANS}
    by_metric = {metric: plan.name for plan in PLANS for metric in plan.metrics}
    names: set[str] = set()
    for one in wanted:
        name = by_metric.get(one, one)
        if name not in by_name:
            raise UnknownRow(f"no row {one}; there are: {', '.join(by_name)}")
        names |= {name, *by_name[name].needs}
    if not wanted:
        names = {plan.name for plan in PLANS if plan.quick or not quick}
    return [plan for plan in PLANS if plan.name in names]


async def measure_all(bench: Bench, plans: Sequence[Plan], progress: RunProgress) -> list[Row]:
    """Measures the rows. One that fails is a row with an error."""
    measured: dict[str, Row] = {}
    for plan in plans:
        progress.began(plan.name)
        try:
            row = await plan.measure(bench, measured)
        except (LoadTrouble, ServerTrouble, RuntimeError, OSError) as error:
            row = Row(plan.name, error=str(error) or repr(error))
        measured[plan.name] = row
        progress.ended(row)
    return list(measured.values())
