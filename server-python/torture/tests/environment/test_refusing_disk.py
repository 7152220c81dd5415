"""Calls that fail: they fail when they are told to, and a server under them loses nothing that it acknowledged."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rockqueue_torture.environment.disk.full import fill_and_free, make_read_only
from rockqueue_torture.environment.disk.preload import Fault, compile_library
from rockqueue_torture.environment.disk.private_disk import missing_for_private_disk, private_disk
from rockqueue_torture.environment.disk.refusing import refuse
from rockqueue_torture.native import CompilerMissing
from rockqueue_torture.server import Server

# Processes are started here, which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(240)

SYNCS = """
import os, sys
for name in (sys.argv[1], sys.argv[2]):
    fd = os.open(name, os.O_WRONLY | os.O_CREAT)
    for _ in range(4):
        os.write(fd, b"x")
        try:
            os.fsync(fd)
        except OSError as error:
            print(name, error.errno)
"""

needs_private_disk = pytest.mark.skipif(bool(missing_for_private_disk()), reason=missing_for_private_disk())


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """The compiled library; tests of servers find it in the same place."""
    try:
        return compile_library(tmp_path)
    except CompilerMissing as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("at", "times", "failed"), [(2, 1, 1), (2, 2, 2), (3, 0, 2), (9, 1, 0)])
def test_the_nth_call_below_the_directory_fails_and_no_other(
    tmp_path: Path, library: Path, at: int, times: int, failed: int
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    fault = Fault("sync", at, errno.EIO, times)
    environment = {**os.environ, "LD_PRELOAD": str(library), **fault.environment(store, tmp_path / "calls")}
    names = [str(store / "file"), str(tmp_path / "elsewhere")]
    done = subprocess.run(
        [sys.executable, "-c", SYNCS, *names], env=environment, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == f"{names[0]} {errno.EIO}\n" * failed
    assert (tmp_path / "calls").read_text() == "".join(
        "F" if at <= call and (not times or call < at + times) else "." for call in range(1, 5)
    )


@pytest.mark.usefixtures("library")
async def test_a_failed_fsync_ends_the_server_and_loses_nothing(tmp_path: Path) -> None:
    refused = await refuse(tmp_path, Fault("sync", 70, errno.EIO), seed=1)
    assert refused.hit
    assert refused.ended == "ended, exit code 70"
    assert refused.acknowledged
    assert refused.wrong == []


async def test_a_disk_that_fails_during_a_start_is_told_in_a_line(tmp_path: Path, library: Path) -> None:
    """The 54th write is one of the engine's own, after RocksDB has opened the store."""
    server = Server(tmp_path, preload=[library])
    server.environment = Fault("write", 54, errno.EIO, times=0).environment(server.store, tmp_path / "calls")
    try:
        await server.launch()
        assert not await server.ready()
        assert await server.exited(1) in {3, 70}
        assert "Traceback" not in server.log_tail()
    finally:
        await server.kill()


@needs_private_disk
def test_a_private_disk_is_seen_by_nobody_else_and_leaves_no_mount(tmp_path: Path) -> None:
    mount = tmp_path / "disk"
    with private_disk(mount, 4) as disk:
        (disk.from_outside / "file").write_bytes(b"x")
        assert list(mount.iterdir()) == []
        disk.remount(read_only=True)
        with pytest.raises(OSError, match="Read-only"):
            (disk.from_outside / "other").write_bytes(b"x")
        disk.remount(read_only=False)
        with pytest.raises(OSError, match="No space left"):
            (disk.from_outside / "big").write_bytes(bytes(5 << 20))
        outside = disk.from_outside
    assert not outside.exists()
    assert str(mount) not in Path("/proc/mounts").read_text()


@needs_private_disk
async def test_a_full_disk_is_answered_truly_and_served_again(tmp_path: Path) -> None:
    filled = await fill_and_free(tmp_path, 3, min_free_mib=96, kill=False)
    assert filled.refused_with == "STORAGE_FULL"
    assert filled.acknowledged
    assert filled.wrong == []


@needs_private_disk
async def test_a_read_only_disk_is_refused_with_advice(tmp_path: Path) -> None:
    assert await make_read_only(tmp_path, 4) == []
