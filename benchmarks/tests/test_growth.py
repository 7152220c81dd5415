import asyncio
import json
from pathlib import Path

from tiny import TINY

from rockqueue_bench.bench import Bench
from rockqueue_bench.growth import delayed, depth, groups, history, listing, queues, schedules, workers
from rockqueue_bench.growth.curve import Curve
from rockqueue_bench.growth.plan import Kind, measure_growth

LIMIT_S = 55.0


def assert_curve(curve: Curve, values: int) -> None:
    """Its panels have points, and its values can be written and read again."""
    assert len(curve.metrics) == values
    assert all(value >= 0 for value in curve.metrics.values())
    assert all(line.points for panel in curve.panels for line in panel.lines)
    again = Curve.of_data(json.loads(json.dumps(curve.as_data())))
    assert [panel.y_label for panel in again.panels] == [panel.y_label for panel in curve.panels]
    assert again.as_data() == curve.as_data()


async def test_a_longer_queue_is_compared_with_a_shorter_one(tmp_path: Path) -> None:
    curve = await asyncio.wait_for(depth.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert_curve(curve, 2 * 4 + 1)
    rates = [curve.metrics[f"backlog_{jobs}_jobs_per_s"] for jobs in TINY.backlogs]
    assert curve.metrics["backlog_1000_share_of_500"] == rates[1] / rates[0]
    assert curve.panels[0].bound == rates[0] * 0.9


async def test_more_queues_than_a_session_may_have_are_worked_off(tmp_path: Path) -> None:
    curve = await asyncio.wait_for(queues.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert_curve(curve, 4)
    assert curve.metrics["queues_70_work_jobs_per_s"] > 0


async def test_more_workers_than_a_connection_carries_share_a_queue(tmp_path: Path) -> None:
    curve = await asyncio.wait_for(workers.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert_curve(curve, 2)
    assert curve.metrics["workers_100_jobs_per_s"] > 0


async def test_delayed_jobs_are_delivered_when_they_are_due_and_a_call_meanwhile_is_timed(tmp_path: Path) -> None:
    curve = await asyncio.wait_for(delayed.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert_curve(curve, 4)
    assert 0 < curve.metrics["delayed_first_seconds"] <= curve.metrics["delayed_all_seconds"]
    assert curve.metrics["delayed_longest_stall_ms"] > 0
    completed, calls = (panel.lines[0].points for panel in curve.panels)
    assert completed[-1][1] == TINY.delayed_jobs
    assert calls[0][0] < 0 < calls[-1][0]


async def test_finished_jobs_are_kept_while_others_are_measured(tmp_path: Path) -> None:
    curve = await asyncio.wait_for(history.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert_curve(curve, 2 * 4 + 1)


async def test_jobs_of_many_groups_are_taken(tmp_path: Path) -> None:
    curve = await asyncio.wait_for(groups.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert_curve(curve, 2 * 3)
    assert curve.metrics["groups_300_jobs_per_s"] > 0


async def test_schedules_that_are_not_due_wait_beside_those_that_are(tmp_path: Path) -> None:
    curve = await asyncio.wait_for(schedules.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert_curve(curve, 2 * 2)
    assert curve.metrics["schedules_20_rss_mb"] > 0


async def test_pages_of_every_filter_are_timed(tmp_path: Path) -> None:
    curve = await asyncio.wait_for(listing.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert_curve(curve, 2 * 2)
    assert [line.label for line in curve.panels[0].lines][-1] == "tag"
    assert all(y > 0 for panel in curve.panels for line in panel.lines for _, y in line.points)


async def test_a_kind_that_fails_or_takes_too_long_says_so_and_the_others_go_on(tmp_path: Path) -> None:
    async def fails(_: Bench) -> Curve:
        raise RuntimeError("the server ended by itself")

    async def hangs(_: Bench) -> Curve:
        await asyncio.Event().wait()
        raise AssertionError

    async def works(_: Bench) -> Curve:
        return Curve("fine", "Fine", metrics={"fine_jobs_per_s": 1.0})

    named: list[str] = []
    kinds = [Kind("fails", fails), Kind("hangs", hangs), Kind("fine", works)]
    curves = await measure_growth(Bench(tmp_path, TINY), kinds, named.append, within_s=0.05)
    assert [curve.error for curve in curves] == ["the server ended by itself", "not done within 0 s", ""]
    assert named == ["growth: fails", "growth: hangs", "growth: fine"]
