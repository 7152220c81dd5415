"""A directory is opened only when it is ours, free, writable, of a known format, and whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rockqueue_server.core import Core
from rockqueue_server.store.opening import StoreError, open_directory
from rockqueue_server.verify import verify_directory


def write_commits(path: Path, count: int) -> None:
    """A store with `count` synced commits, left behind by a process that was killed."""
    script = f"""
import asyncio, os
from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_server.core import Core
async def main():
    core = await Core.open({str(path)!r})
    for i in range({count}):
        spec = job_pb2.JobSpec(queue="q", name="n", payload=os.urandom(500))
        await core.jobs.push_jobs(job_service_pb2.PushJobsRequest(jobs=[spec]))
    core._directory.record_commit(core.engine.durable)
    os.kill(os.getpid(), 9)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
    assert done.returncode == -9


def logs(path: Path) -> list[Path]:
    return [log for log in sorted((path / "db").glob("*.log")) if log.stat().st_size]


async def test_a_second_opening_says_who_has_the_directory(tmp_path: Path) -> None:
    core = await Core.open(tmp_path / "jobs.db")
    with pytest.raises(StoreError, match=rf"is taken: process {os.getpid()} is using it"):
        open_directory(tmp_path / "jobs.db")
    await core.close()
    open_directory(tmp_path / "jobs.db").close()


def test_a_file_is_not_a_directory(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").write_text("hello")
    with pytest.raises(StoreError, match="is a file: name a directory"):
        open_directory(tmp_path / "jobs.db")


def test_a_directory_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(StoreError, match=r"not a RockQueue directory \(it holds 'holiday.jpg'"):
        open_directory(tmp_path)
    assert not (tmp_path / "db").exists()


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    open_directory(tmp_path / "jobs.db").close()
    (tmp_path / "jobs.db" / "FORMAT").write_text("rockqueue 99\n")
    with pytest.raises(StoreError, match="has format 'rockqueue 99', this version reads 'rockqueue 3'"):
        open_directory(tmp_path / "jobs.db")


def test_checking_does_not_make_a_directory(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        verify_directory(tmp_path / "jobs.db")
    assert not (tmp_path / "jobs.db").exists()


def test_a_read_only_directory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    path.mkdir()
    path.chmod(0o555)
    for parent in (path, *path.parents):
        if parent.stat().st_uid == os.getuid() and parent != path and not parent.stat().st_mode & 0o005:
            parent.chmod(0o755)
    # Root may write anywhere: as root the check is made as nobody.
    script = f"""
import os
if os.getuid() == 0: os.setgid(65534); os.setuid(65534)
from rockqueue_server.store.opening import StoreError, open_directory
try: open_directory({str(path)!r})
except StoreError as error: print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", f"import rockqueue_server.store.opening\n{script}"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "is read-only: give this user write permission" in done.stdout


def test_a_log_whose_middle_was_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    write_commits(path, 50)
    log = logs(path)[0]
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    with pytest.raises(StoreError, match=r"is damaged and was not opened.*restore the last backup"):
        open_directory(path)


def test_a_log_that_was_cut_is_noticed_by_the_commit_number(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    write_commits(path, 50)
    log = logs(path)[0]
    os.truncate(log, log.stat().st_size // 2)
    with pytest.raises(StoreError, match=r"has lost writes that were on disk.*--accept-data-loss"):
        open_directory(path)
    open_directory(path, accept_data_loss=True).close()
    open_directory(path).close()


def test_a_torn_last_record_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    write_commits(path, 20)
    with logs(path)[0].open("ab") as log:
        log.write(b"\x00\x01\x02 half a record that was never acknowledged")
    report = verify_directory(path)
    assert (report.jobs, report.problems) == (20, [])


def test_a_damaged_table_is_refused_or_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    write_commits(path, 20)
    open_directory(path).close()
    tables = sorted((path / "db").glob("*.sst"))
    assert tables
    for table in tables:
        data = table.read_bytes()
        table.write_bytes(b"\x00" * len(data))
        with pytest.raises(StoreError, match="is damaged and was not opened"):
            open_directory(path)
        table.write_bytes(data)
    assert verify_directory(path).jobs == 20
