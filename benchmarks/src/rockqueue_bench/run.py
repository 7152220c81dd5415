"""The rows of a run: the chosen ones in their order, one after the other, none of them able to spoil the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rockqueue_bench.bench import Bench
from rockqueue_bench.client import LoadTrouble
from rockqueue_bench.languages import LANGUAGES
from rockqueue_bench.progress import RunProgress
from rockqueue_bench.results import NotHere, Row
from rockqueue_bench.rows import echo, end_to_end, floor, idle, push, redis_list, single, starts, work
from rockqueue_bench.server import ServerTrouble

Measured = Mapping[str, Row]
TROUBLE = (LoadTrouble, ServerTrouble, RuntimeError, OSError)
"""What a measurement fails with. TimeoutError is an OSError."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A row that can be measured, its values, and the rows in `needs`, of which it takes a ratio."""

    name: str
    measure: Callable[[Bench, Measured], Awaitable[Row]]
    metrics: tuple[str, ...]
    needs: tuple[str, ...] = ()


def _in(measure: Callable[[Bench, str], Awaitable[Row]], language: str, bench: Bench, _: Measured) -> Awaitable[Row]:
    return measure(bench, language)


PLANS: tuple[Plan, ...] = (
    Plan("idle", lambda bench, _: idle.measure(bench), ("idle_rss_mb", "idle_cpu_percent", "start_seconds")),
    Plan("echo", lambda bench, _: echo.measure(bench), ("echo_jobs_per_s",)),
    Plan("floor", lambda bench, _: floor.measure(bench), ("floor_jobs_per_s",)),
    Plan(
        "push_batch50",
        lambda bench, earlier: push.measure(bench, earlier["floor"], earlier["echo"]),
        ("push_batch50_jobs_per_s", "push_share_of_floor", "push_share_of_echo"),
        # Right behind the floor: a machine's disk and clock drift within minutes.
        needs=("echo", "floor"),
    ),
    Plan("redis_list", lambda bench, _: redis_list.measure(bench), ("redis_list_push_jobs_per_s",)),
    Plan("work_raw", lambda bench, _: work.measure(bench), ("work_raw_jobs_per_s",)),
    *(
        Plan(f"e2e_{language}", partial(_in, end_to_end.measure, language), (f"e2e_{language}_jobs_per_s",))
        for language in LANGUAGES
    ),
    *(
        Plan(f"single_push_{language}", partial(_in, single.measure, language), (f"single_push_{language}_per_s",))
        for language in LANGUAGES
    ),
    Plan("push_to_start", lambda bench, _: starts.measure(bench), ("push_to_start_ms_p50", "push_to_start_ms_p99")),
)


class UnknownRow(Exception):
    """A row was asked for that does not exist; the message names those that do."""


def choose(wanted: Sequence[str]) -> list[Plan]:
    """The rows of these names, or with values of these names, and those that they need; all when none is named."""
    by_name = {plan.name: plan for plan in PLANS}
    by_metric = {metric: plan.name for plan in PLANS for metric in plan.metrics}
    names: set[str] = set()
    for one in wanted:
        name = by_metric.get(one, one)
        if name not in by_name:
            raise UnknownRow(f"no row {one}; there are: {', '.join(by_name)}")
        names |= {name, *by_name[name].needs}
    return [plan for plan in PLANS if plan.name in names or not wanted]


async def measure_rows(bench: Bench, plans: Sequence[Plan], progress: RunProgress) -> list[Row]:
    """Measures the rows. One that fails, or that cannot be measured on this machine, is a row that says so."""
    measured: dict[str, Row] = {}
    for plan in plans:
        progress.began(plan.name)
        try:
            row = await plan.measure(bench, measured)
        except NotHere as reason:
            row = Row(plan.name, missing=str(reason))
        except TROUBLE as error:
            row = Row(plan.name, error=str(error) or repr(error))
        measured[plan.name] = row
        progress.ended(row.name, error=row.error, missing=row.missing)
    return list(measured.values())
