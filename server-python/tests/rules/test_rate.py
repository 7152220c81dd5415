"""A bucket that fills evenly: never more than the burst at once, never faster than the rate, whatever is changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockqueue_server.rules.rate import FULL, Level, Rate, fitted, free_us, given_back, rate_of, room, spent

START_US = 1_790_000_000_000_000
RATES = st.builds(rate_of, st.integers(1, 1_000_000), st.integers(1000, 86_400_000_000), st.integers(1, 1_000_000))


def test_a_full_bucket_gives_its_burst_and_fills_evenly() -> None:
    rate = rate_of(2, 10_000_000, 3)
    assert room(rate, FULL, START_US) == 3
    level = spent(rate, FULL, START_US, 3)
    assert (room(rate, level, START_US), free_us(rate, level, START_US)) == (0, START_US + 5_000_000)
    assert room(rate, level, START_US + 4_999_999) == 0
    assert [room(rate, level, START_US + s * 1_000_000) for s in (5, 10, 15, 1000)] == [1, 2, 3, 3]


@pytest.mark.parametrize(("count", "period_us"), [(3, 1_000_000), (7, 1_000_000), (999_999, 1000), (1, 86_400_000_000)])
def test_in_a_period_there_are_never_more_than_the_count(count: int, period_us: int) -> None:
    rate = rate_of(count, period_us, 1)
    assert count * rate.interval_ps >= period_us * 1_000_000
    # Rounding up to a picosecond costs a thousandth at most.
    assert count * rate.interval_ps <= period_us * 1_001_000


@given(rate=RATES, steps=st.lists(st.tuples(st.integers(0, 10_000_000), st.integers(0, 50)), max_size=40))
def test_deliveries_within_any_span_keep_to_burst_and_rate(rate: Rate, steps: list[tuple[int, int]]) -> None:
    now_us, level = START_US, FULL
    taken: list[tuple[int, int]] = []
    for wait_us, wish in steps:
        now_us += wait_us
        count = min(wish, room(rate, level, now_us))
        if count:
            level = spent(rate, level, now_us, count)
            taken.append((now_us, count))
    for first in range(len(taken)):
        count = 0
        for at_us, more in taken[first:]:
            count += more
            assert count <= rate.burst + (at_us - taken[first][0]) * 1_000_000 // rate.interval_ps


@given(rate=RATES, used=st.integers(1, 1_000_000), later_us=st.integers(0, 100_000_000))
def test_the_moment_that_is_told_is_the_first_with_room(rate: Rate, used: int, later_us: int) -> None:
    level = spent(rate, FULL, START_US, min(used, rate.burst))
    now_us = START_US + later_us
    due_us = free_us(rate, level, now_us)
    assert room(rate, level, due_us) >= 1
    assert due_us == now_us or room(rate, level, due_us - 1) == 0


@given(rate=RATES, count=st.integers(1, 100), kept=st.integers(0, 99))
def test_what_is_given_back_was_never_taken(rate: Rate, count: int, kept: int) -> None:
    count = min(count, rate.burst)
    kept = min(kept, count)
    level = given_back(spent(rate, FULL, START_US, count), count - kept)
    assert room(rate, level, START_US) == rate.burst - kept


@given(old=RATES, new=RATES, used=st.integers(0, 1_000_000))
def test_a_new_rate_counts_what_was_used_of_the_old_one(old: Rate, new: Rate, used: int) -> None:
    used = min(used, old.burst)
    level = fitted(new, spent(old, FULL, START_US, used), START_US)
    assert room(new, level, START_US) == max(0, new.burst - used)
    assert level == fitted(new, level, START_US)


def test_levels_are_the_same_whoever_reads_them_later() -> None:
    rate = rate_of(1, 3_600_000_000, 1)
    level = spent(rate, FULL, START_US, 1)
    assert level.full_us == START_US + 3_600_000_000
    assert room(rate, Level(*level), START_US + 3_599_999_999) == 0
