"""Power cuts: what is taken away, and that a server which syncs before it answers loses nothing by it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

import pytest
from small_load import SMALL_LOAD

from rockqueue_torture.power import PowerPlan, power_run
from rockqueue_torture.power.cut import cut_power
from rockqueue_torture.power.journal import JournalTrouble, read_journal, sizes_below

pytestmark = pytest.mark.timeout(180)
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: install gcc and libc6-dev")


class Disk:
    """A folder whose journal is written by hand."""

    def __init__(self, path: Path) -> None:
        self.root = path / "store"
        self.root.mkdir()
        self._lines: list[str] = []
        self._path = path / "journal"
        self._keep = path / "kept"
        self._at_start: dict[int, int] = {}

    def file(self, name: str, content: bytes) -> int:
        (self.root / name).write_bytes(content)
        return (self.root / name).stat().st_ino

    def starts(self) -> None:
        self._at_start = sizes_below(self.root)

    def note(self, *words: object) -> None:
        self._lines.append(" ".join(map(str, words)) + "\n")

    def kept(self, name: str) -> Path:
        """A link to a file that is about to lose its name."""
        os.link(self.root / name, self._keep)
        return self._keep

    def cut(self) -> dict[str, bytes]:
        self._path.write_text("".join(self._lines))
        cut_power(self.root, read_journal(self._path, self._at_start), "all", Random(1))
        return {path.name: path.read_bytes() for path in self.root.iterdir()}


def test_bytes_that_were_written_after_the_last_sync_are_gone(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    inode = disk.file("log", b"old")
    disk.starts()
    disk.file("log", b"old synced")
    disk.note("sync", inode, 10)
    disk.file("log", b"old synced and not synced")
    assert disk.cut() == {"log": b"old synced"}


def test_a_file_whose_folder_was_not_synced_is_gone_with_all_its_synced_bytes(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    inode = disk.file("new", b"content")
    disk.note("make", inode, disk.root / "new")
    disk.note("sync", inode, 7)
    assert disk.cut() == {}


def test_a_file_whose_folder_was_synced_stays(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    inode = disk.file("new", b"content")
    disk.note("make", inode, disk.root / "new")
    disk.note("sync", inode, 7)
    disk.note("dir", disk.root)
    assert disk.cut() == {"new": b"content"}


def test_a_renaming_that_was_not_synced_is_undone_and_what_it_replaced_comes_back(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.file("current", b"one")
    disk.starts()
    inode = disk.file("next", b"two")
    disk.note("make", inode, disk.root / "next")
    disk.note("sync", inode, 3)
    disk.note("dir", disk.root)
    kept = disk.kept("current")
    (disk.root / "next").rename(disk.root / "current")
    disk.note("move", inode, disk.root / "next", disk.root / "current", kept)
    assert disk.cut() == {"current": b"one", "next": b"two"}


def test_a_removal_that_was_not_synced_is_undone(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    inode = disk.file("old", b"content")
    disk.starts()
    kept = disk.kept("old")
    (disk.root / "old").unlink()
    disk.note("drop", inode, disk.root / "old", kept)
    assert disk.cut() == {"old": b"content"}


def test_a_server_that_was_not_watched_is_not_mistaken_for_one_that_synced_nothing(tmp_path: Path) -> None:
    with pytest.raises(JournalTrouble, match="not loaded"):
        read_journal(tmp_path / "journal", {})


@needs_compiler
async def test_nothing_acknowledged_is_lost_by_a_power_cut(tmp_path: Path) -> None:
    plan = PowerPlan(2, seed=1, failpoints=("after_write_before_sync",), least_s=0.3, load=SMALL_LOAD)
    verdict = await power_run(tmp_path / "run", plan)
    assert [str(violation) for violation in verdict.violations] == []
    assert verdict.done["bytes lost"] > 0, "the cut took nothing away"
    assert verdict.acknowledged > 0


@needs_compiler
async def test_a_server_that_answers_before_it_syncs_is_caught_by_a_power_cut(tmp_path: Path) -> None:
    arguments = ("--defect", "ack_before_sync")
    plan = PowerPlan(
        1, seed=1, failpoints=(), arguments=arguments, least_s=1.5, most_s=1.5, extents=("all",), load=SMALL_LOAD
    )
    verdict = await power_run(tmp_path / "run", plan)
    assert "P1" in {violation.property for violation in verdict.violations}
