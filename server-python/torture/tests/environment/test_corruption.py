"""A damaged store is refused with advice that helps, or nothing is lost."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from rockqueue_torture.environment.disk.corruption import GOOD, Corruption, Outcome, examiner, make_store
from rockqueue_torture.environment.disk.damage import Damage, Place, kind_of_file

SEED = 7

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def corruption(tmp_path_factory: pytest.TempPathFactory) -> Generator[Corruption]:
    home = tmp_path_factory.mktemp("corruption")
    store = make_store(home, SEED)
    with examiner(home / "examiner.log") as looker:
        yield Corruption(home, store, looker)


def place(corruption: Corruption, kind: str, damage: str, share: float) -> Place:
    """The biggest file of a kind, and a damage `share` of the way through it."""
    store = corruption.store
    files = [path for path in store.rglob("*") if path.is_file() and kind_of_file(path.name) == kind]
    file = max(files, key=lambda path: (path.stat().st_size, path.name))
    return Place(str(file.relative_to(store)), Damage(damage, int(file.stat().st_size * share)))


@pytest.mark.parametrize(
    ("kind", "damage", "share", "outcomes"),
    [
        ("WAL", "flip", 0.5, {Outcome.REFUSED}),
        ("WAL", "cut", 0.9, {Outcome.REFUSED}),
        ("WAL", "zero all", 0, {Outcome.REFUSED}),
        ("WAL", "append", 0, {Outcome.WHOLE}),
        ("MANIFEST", "flip", 0.5, {Outcome.REFUSED}),
        ("MANIFEST", "remove", 0, {Outcome.REFUSED}),
        ("CURRENT", "remove", 0, {Outcome.REFUSED}),
        ("OPTIONS", "zero all", 0, {Outcome.WHOLE}),
        ("IDENTITY", "flip", 0.5, {Outcome.WHOLE}),
        ("rocksdict-config.json", "cut", 0.5, {Outcome.WHOLE}),
        ("COMMIT", "zero all", 0, {Outcome.REFUSED}),
        ("FORMAT", "flip", 0.2, {Outcome.REFUSED}),
        ("OWNER", "zero all", 0, {Outcome.WHOLE}),
        ("SST", "cut", 0.7, {Outcome.REFUSED}),
    ],
)
def test_damage_is_refused_with_advice_or_harmless(
    corruption: Corruption, kind: str, damage: str, share: float, outcomes: set[Outcome]
) -> None:
    case = corruption.try_place(place(corruption, kind, damage, share))
    assert case.outcome in outcomes, case


@pytest.mark.parametrize(("kind", "share"), [("SST", 0.3), ("blob", 0.5)])
def test_damaged_data_is_never_read_as_if_it_were_whole(corruption: Corruption, kind: str, share: float) -> None:
    case = corruption.try_place(place(corruption, kind, "flip", share))
    assert case.outcome not in {Outcome.LOST, Outcome.WHOLE}, case


def test_a_start_that_meets_damaged_data_says_what_to_do(corruption: Corruption) -> None:
    """The records of active jobs are read at the start; their table and their blob file may be damaged."""
    for blob in sorted((corruption.store / "db").glob("*.blob")):
        case = corruption.try_place(Place(f"db/{blob.name}", Damage("remove", 0)))
        assert case.outcome in GOOD, case


def test_a_lost_job_would_be_noticed(corruption: Corruption) -> None:
    harmless = place(corruption, "OWNER", "append", 0)
    corruption.expected.jobs["acknowledged-and-gone"] = "digest"
    try:
        assert corruption.try_place(harmless).outcome is Outcome.LOST
    finally:
        del corruption.expected.jobs["acknowledged-and-gone"]
