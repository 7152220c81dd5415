"""Schedules under kill -9, in short; and the rule that judges their slots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rockqueue_torture.schedules import SchedulePlan, Slots, schedule_run, wrong_slots

pytestmark = pytest.mark.timeout(180)

GOOD = Slots("s", first_us=10, last_us=40, every_us=10, runs=4, jobs=[10, 20, 30, 40])


async def test_each_slot_makes_one_job_however_often_the_server_dies(tmp_path: Path) -> None:
    verdict = await schedule_run(tmp_path / "run", SchedulePlan(3, seed=1, least_s=1.2))
    assert [str(violation) for violation in verdict.violations] == []
    assert verdict.acknowledged >= 5, "no slot was due"


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (GOOD, []),
        (replace(GOOD, jobs=[10, 20, 20, 30, 40]), ["s: slot 20 made 2 jobs"]),
        (replace(GOOD, jobs=[10, 30, 40]), ["s: slot 20 made no job"]),
        (replace(GOOD, jobs=[10, 20, 30, 40, 50]), ["s: there is a job of 50, which is no slot"]),
        (replace(GOOD, runs=5), ["s: 4 slots were due, and 5 runs are counted"]),
        (Slots("s", 10, 0, 10, 0, []), []),
    ],
)
def test_what_is_wrong_with_slots(seen: Slots, says: list[str]) -> None:
    assert wrong_slots(seen) == says
