"""Servers with seeded defects are caught. This is one of them; `rockqueue-torture mutants` runs all."""

from __future__ import annotations

from pathlib import Path

import pytest

from rockqueue_server.core import DEFECTS
from rockqueue_torture.mutants import MUTANTS, hunt

pytestmark = pytest.mark.timeout(180)


async def test_a_server_that_forgets_request_ids_is_caught(tmp_path: Path) -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.defect == "forget_request_id")
    verdict, _ = await hunt(mutant, seed=1, tries=3, directory=tmp_path)
    assert verdict is not None, "the mutant survived"
    assert {violation.property for violation in verdict.violations} == {"P11"}


def test_there_are_ten_mutants_or_more_and_the_server_knows_each() -> None:
    names = {mutant.defect for mutant in MUTANTS}
    assert len(names) >= 10
    assert names <= set(DEFECTS)
