"""A soak tells level figures from growing ones, and a short one on a real server is clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from rockqueue_torture.environment.soak.report import progress_line, summary
from rockqueue_torture.environment.soak.soak import Soaked, judge, soak
from rockqueue_torture.environment.soak.trend import Sample, quantile, slope_per_min, sparkline


def soaked(mib_per_s: float = 0.0, late_ms: float = 2.0) -> Soaked:
    """Ten minutes: memory that grows by so much, pushes of 2 ms that take `late_ms` at last."""
    return Soaked(
        seconds=600,
        memory=[Sample(at, 80 + at * mib_per_s) for at in range(600)],
        pushes_ms=[Sample(at, late_ms if at > 400 else 2.0) for at in range(600)],
    )


def test_a_slope_is_found_in_noise() -> None:
    samples = [Sample(at, 100 + at / 60 + (-1) ** at) for at in range(600)]
    assert slope_per_min(samples) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_samples_have_no_slope(count: int) -> None:
    assert slope_per_min([Sample(0, 1)] * count) == 0


def test_a_sparkline_goes_from_the_lowest_to_the_highest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([5, 5, 5]) == "▁▁▁"
    assert len(sparkline(list(range(1000)), 40)) == 40
    assert sparkline([]) == ""


def test_a_quantile_is_one_of_the_values() -> None:
    assert (quantile([3, 1, 2], 0.5), quantile(list(range(100)), 0.99), quantile([], 0.5)) == (2, 99, 0)


def test_level_figures_pass() -> None:
    judge(found := soaked())
    assert found.wrong == []


def test_memory_may_grow_by_what_rocksdb_buffers() -> None:
    judge(found := soaked(mib_per_s=0.3))
    assert found.wrong == []
    assert found.mib_per_min == pytest.approx(18)


def test_growing_memory_is_found() -> None:
    judge(found := soaked(mib_per_s=0.5))
    assert found.wrong == ["memory grew by 300 MiB, more than 220"]


def test_pushes_that_become_slow_are_found() -> None:
    judge(found := soaked(late_ms=30))
    assert found.wrong == ["a push took 2.0 ms at first, and 30.0 ms at last"]


@pytest.mark.timeout(240)
async def test_a_short_soak_is_clean(tmp_path: Path) -> None:
    told: list[str] = []
    found = await soak(tmp_path, 11, 2.0, [], lambda now: told.append(progress_line(now)))
    assert found.pushed
    assert found.settled
    assert found.memory
    assert found.wrong == []
    assert summary(found).row_count
