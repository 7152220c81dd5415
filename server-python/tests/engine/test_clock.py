"""Server time never runs backwards, and no lease ends because somebody set the clock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from queue_bench import bench

from rockqueue_server.core import Core, CoreOptions
from rockqueue_server.engine.alarms import Alarms
from rockqueue_server.engine.clock import Clock

HOUR_US = 3_600_000_000


def test_time_starts_after_the_last_commit_even_if_the_wall_clock_is_behind() -> None:
    ahead_us = time.time_ns() // 1000 + HOUR_US
    assert Clock(floor_us=ahead_us).now_us() > ahead_us


def test_a_wall_clock_that_is_set_back_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    before = clock.now_us()
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - HOUR_US * 1000)
    assert clock.follow_wall_clock(1000) == 0
    assert clock.now_us() >= before


def test_a_wall_clock_that_is_set_forward_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    before = clock.now_us()
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + HOUR_US * 1000)
    assert HOUR_US - 1000 <= clock.follow_wall_clock(1000) < HOUR_US + 10_000_000
    assert clock.now_us() >= before + HOUR_US


async def test_a_clock_that_a_test_holds_is_held_over_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as first:
        await first.advance(3600)
        held_us = first.core.engine.clock.now_us()
    for _ in range(2):
        core = await Core.open(tmp_path / "jobs.db", CoreOptions(testing=True))
        assert core.engine.clock.frozen
        assert held_us < core.engine.clock.now_us() <= held_us + 10_000
        await core.close()
    core = await Core.open(tmp_path / "jobs.db")
    assert not core.engine.clock.frozen
    await core.close()


def test_a_jump_moves_spans_and_leaves_moments() -> None:
    alarms = Alarms()
    rang: list[str] = []
    alarms.set(100, lambda: rang.append("lease"))
    alarms.set(150, lambda: rang.append("delayed job"), absolute=True)
    alarms.shift(1000)
    alarms.ring(1099, 1)
    assert rang == ["delayed job"]
    alarms.ring(1100, 1)
    assert rang == ["delayed job", "lease"]


def test_an_alarm_that_fails_rings_again() -> None:
    alarms = Alarms()
    rang: list[int] = []

    def ring() -> None:
        rang.append(1)
        if len(rang) == 1:
            raise OSError("full")

    alarms.set(10, ring)
    with pytest.raises(OSError, match="full"):
        alarms.ring(10, 1)
    alarms.ring(2_000_000, 1)
    assert len(rang) == 2
