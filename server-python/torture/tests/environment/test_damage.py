"""Damage is what it is called, it lies where the seed says, and it reaches every kind of file."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rockqueue_torture.environment.disk.damage import DAMAGES, Damage, kind_of_file, places

CONTENT = bytes(range(1, 251)) * 40


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "000001.sst"
    file.write_bytes(CONTENT)
    return file


def test_a_flip_changes_one_bit(file: Path) -> None:
    Damage("flip", 1000).apply(file)
    changed = [(a, b) for a, b in zip(CONTENT, file.read_bytes(), strict=True) if a != b]
    assert [(a ^ b).bit_count() for a, b in changed] == [1]


def test_zeros_stay_within_the_file(file: Path) -> None:
    Damage("zero", len(CONTENT) - 10).apply(file)
    assert file.read_bytes() == CONTENT[:-10] + bytes(10)


def test_a_zeroed_block_is_one_that_a_disk_has(file: Path) -> None:
    Damage("zero block", 5000).apply(file)
    assert file.read_bytes() == CONTENT[:4096] + bytes(4096) + CONTENT[8192:]


def test_a_cut_leaves_what_came_before(file: Path) -> None:
    Damage("cut", 17).apply(file)
    assert file.read_bytes() == CONTENT[:17]


@pytest.mark.parametrize("kind", sorted(DAMAGES))
def test_no_damage_leaves_a_file_as_it_was(file: Path, kind: str) -> None:
    Damage(kind, 100).apply(file)
    assert not file.exists() or file.read_bytes() != CONTENT


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("db/000024.log", "WAL"),
        ("db/000017.blob", "blob"),
        ("db/MANIFEST-000005", "MANIFEST"),
        ("db/OPTIONS-000007", "OPTIONS"),
        ("db/CURRENT", "CURRENT"),
        ("COMMIT", "COMMIT"),
    ],
)
def test_files_are_named_for_what_they_are_for(path: str, kind: str) -> None:
    assert kind_of_file(path) == kind


def test_a_seed_chooses_the_same_places_again_and_leaves_no_file_out(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    for name in ("COMMIT", "db/000001.log", "db/000002.sst", "db/LOCK", "db/LOG"):
        (tmp_path / name).write_bytes(b"x" * 100 if name != "db/LOCK" else b"")
    first = list(places(tmp_path, random.Random(5), 3))
    assert first == list(places(tmp_path, random.Random(5), 3))
    assert first != list(places(tmp_path, random.Random(6), 3))
    assert {place.file for place in first} == {"COMMIT", "db/000001.log", "db/000002.sst", "db/LOCK"}
    assert {place.damage.kind for place in first} == set(DAMAGES)
