"""kill -9 of a server under load, in short: two deaths on one store."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_load import SMALL_LOAD

from rockqueue_torture.kill import KillPlan, kill_run

pytestmark = pytest.mark.timeout(180)


async def test_nothing_acknowledged_is_lost_and_no_property_is_broken_by_kill_9(tmp_path: Path) -> None:
    verdict = await kill_run(tmp_path / "run", KillPlan(2, seed=1, sdks=("python",), least_s=0.4, load=SMALL_LOAD))
    assert [str(violation) for violation in verdict.violations] == []
    assert verdict.rounds == 2
    assert verdict.acknowledged > 20, "the load did not push"
    assert verdict.events > 200, "the load did not work"
