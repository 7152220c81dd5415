"""Backups of a store that is served: whole, of one moment, and never half."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from queue_bench import QueueBench, bench, spec

from rockqueue.v1 import server_service_pb2
from rockqueue_server.core import Core, CoreOptions
from rockqueue_server.errors import ServiceError
from rockqueue_server.restore import restore
from rockqueue_server.store import backup as backup_files
from rockqueue_server.store.base import StorageFull
from rockqueue_server.store.opening import StoreError, open_directory
from rockqueue_server.verify import verify_directory


@asynccontextmanager
async def with_backups(tmp_path: Path) -> AsyncGenerator[QueueBench]:
    async with bench(tmp_path / "jobs.db", backup_dir=tmp_path / "backups") as opened:
        yield opened


async def create(opened: QueueBench, name: str = "") -> server_service_pb2.Backup:
    request = server_service_pb2.CreateBackupRequest(name=name)
    return (await opened.core.server.create_backup(request)).backup


async def names(opened: QueueBench) -> list[str]:
    listed = await opened.core.server.list_backups(server_service_pb2.ListBackupsRequest())
    return [backup.name for backup in listed.backups]


async def refusal(opened: QueueBench, name: str = "") -> str:
    with pytest.raises(ServiceError) as refused:
        await create(opened, name)
    return refused.value.reason


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_backup_holds_what_was_pushed_before_it(tmp_path: Path) -> None:
    async with with_backups(tmp_path) as opened:
        before = await opened.push(*(spec(tags=["t"], payload=bytes(5000)) for _ in range(20)))
        made = await create(opened, "monday")
        after = await opened.push()
        assert made.name == "monday"
        assert made.size_bytes > 20 * 5000
        assert made.create_time.ToMicroseconds() == opened.core.engine.clock.now_us()
        assert await names(opened) == ["monday"]
    restored = restore(tmp_path / "backups" / "monday", tmp_path / "again.db")
    assert (restored.jobs, restored.problems) == (20, [])
    async with bench(tmp_path / "again.db") as again:
        assert [await again.state(job_id) for job_id in before] == ["WAITING"] * 20
        with pytest.raises(ServiceError, match="JOB_NOT_FOUND"):
            await again.get(after[0])


async def test_the_commit_of_a_backup_is_the_last_one_in_it(tmp_path: Path) -> None:
    async with with_backups(tmp_path) as opened:
        await opened.push()
        made = await create(opened)
        assert made.commit == opened.core.engine.written
    assert (tmp_path / "backups" / made.name / "COMMIT").read_text() == f"{made.commit}\n"


async def test_a_name_is_never_used_twice(tmp_path: Path) -> None:
    async with with_backups(tmp_path) as opened:
        first, second = await asyncio.gather(create(opened, "a"), create(opened, "a"), return_exceptions=True)
        assert isinstance(first, server_service_pb2.Backup)
        assert isinstance(second, ServiceError)
        assert (second.reason, second.metadata) == ("BACKUP_EXISTS", {"backup": "a"})
        (tmp_path / "backups" / "folder").mkdir()
        assert await refusal(opened, "folder") == "BACKUP_EXISTS"
        assert await names(opened) == ["a"]


async def test_backups_are_listed_newest_first_and_named_by_the_time(tmp_path: Path) -> None:
    async with with_backups(tmp_path) as opened:
        made = [await create(opened, "b")]
        await opened.advance(60)
        made.append(await create(opened))
        await opened.advance(60)
        made.append(await create(opened, "a"))
        moment = made[1].create_time.ToDatetime()
        assert made[1].name == moment.strftime("%Y%m%dT%H%M%SZ")
        listed = await opened.core.server.list_backups(server_service_pb2.ListBackupsRequest())
        assert list(listed.backups) == made[::-1]


@pytest.mark.parametrize("name", [".hidden", "a/b", "..", "é", "x" * 129])
async def test_bad_names(tmp_path: Path, name: str) -> None:
    async with with_backups(tmp_path) as opened:
        assert await refusal(opened, name) == "INVALID_FIELD"


async def test_without_a_place_backups_are_off(queue_bench: QueueBench) -> None:
    info = await queue_bench.core.server.get_server_info(server_service_pb2.GetServerInfoRequest())
    assert not info.capabilities.backups
    assert await refusal(queue_bench) == "BACKUPS_OFF"
    with pytest.raises(ServiceError, match="BACKUPS_OFF"):
        await names(queue_bench)


async def test_a_backup_under_load_holds_every_push_that_was_answered_before_it(tmp_path: Path) -> None:
    async with with_backups(tmp_path) as opened:
        answered: list[str] = []
        more = asyncio.Event()
        going = True

        async def push_on() -> None:
            while going:
                answered.extend(await opened.push(*(spec(tags=["t"], payload=os.urandom(400)) for _ in range(200))))
                for delivery in await opened.pull(most=50):
                    await opened.complete(delivery)
                more.set()

        pushing = asyncio.create_task(push_on())
        must_be_there: dict[str, list[str]] = {}
        for number in range(3):
            for _ in range(3):
                more.clear()
                await more.wait()
            must_be_there[f"b{number}"] = answered.copy()
            await create(opened, f"b{number}")
        going = False
        await pushing
    for name, expected in must_be_there.items():
        report = restore(tmp_path / "backups" / name, tmp_path / name)
        assert report.problems == []
        async with bench(tmp_path / name) as again:
            for job_id in expected:
                await again.get(job_id)


async def test_where_links_cannot_go_files_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def another_disk(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", another_disk)
    async with with_backups(tmp_path) as opened:
        (job_id,) = await opened.push()
        await create(opened, "copied")
    assert restore(tmp_path / "backups" / "copied", tmp_path / "again").jobs == 1
    async with bench(tmp_path / "again") as again:
        assert await again.state(job_id) == "WAITING"


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError(errno.ENOSPC, "full"), "STORAGE_FULL"), (OSError(errno.EIO, "broken"), "STORAGE_FAILED")],
)
async def test_a_disk_that_fails_the_backup_does_not_fail_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    async with with_backups(tmp_path) as opened:
        with monkeypatch.context() as patch:
            patch.setattr(os, "link", broken)
            assert await refusal(opened, "a") == reason
        assert await names(opened) == []
        await opened.push()
        await create(opened, "a")
        assert await names(opened) == ["a"]
        assert [path.name for path in (tmp_path / "backups").iterdir()] == ["a"]
        assert not (tmp_path / "jobs.db" / backup_files.CHECKPOINT).exists()


async def test_a_checkpoint_that_does_not_fit_is_storage_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> None:
        raise StorageFull("No space left on device")

    async with with_backups(tmp_path) as opened:
        with monkeypatch.context() as patch:
            patch.setattr(opened.core.engine.store, "checkpoint", full)
            assert await refusal(opened) == "STORAGE_FULL"
        await create(opened)


async def test_a_caller_that_gives_up_leaves_a_whole_backup_behind(tmp_path: Path) -> None:
    async with with_backups(tmp_path) as opened:
        await opened.push()
        call = asyncio.create_task(create(opened, "a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await create(opened, "b")
        assert await names(opened) == ["a", "b"]


async def test_a_server_that_stops_gives_up_and_leaves_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, go_on = threading.Event(), threading.Event()
    transfer = backup_files.transfer

    def slow(*arguments: object, **options: object) -> int:
        at_work.set()
        assert go_on.wait(20)
        return transfer(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(backup_files, "transfer", slow)
    core = await Core.open(tmp_path / "jobs.db", CoreOptions(backup_dir=tmp_path / "backups", min_free_bytes=0))
    call = asyncio.create_task(core.server.create_backup(server_service_pb2.CreateBackupRequest(name="a")))
    await asyncio.to_thread(at_work.wait, 20)
    closing = asyncio.create_task(core.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    with pytest.raises(ServiceError, match="SHUTTING_DOWN"):
        await call
    assert backup_files.find_backups(tmp_path / "backups") == []


SCRIPT = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from queue_bench import bench, spec
from rockqueue.v1 import server_service_pb2
from rockqueue_server.store import backup
step = {step!r}
def die(*_, **__):
    os.kill(os.getpid(), 9)
if step == "linked":
    linked, count = backup._linked, 0
    def counted(*arguments):
        global count
        count += 1
        return die() if count == 3 else linked(*arguments)
    backup._linked = counted
else:
    Path.rename = die
async def main():
    async with bench(Path({path!r}) / "jobs.db", backup_dir=Path({path!r}) / "backups") as b:
        await b.push(*(spec() for _ in range(50)))
        await b.core.server.create_backup(server_service_pb2.CreateBackupRequest(name="half"))
asyncio.run(main())
"""


def killed_at(step: str, path: Path) -> None:
    """A server of a process of its own is killed in the middle of a backup."""
    script = SCRIPT.format(tests=str(Path(__file__).parents[1]), path=str(path), step=step)
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == -9


@pytest.mark.parametrize("step", ["linked", "renamed"])
async def test_a_server_that_is_killed_leaves_no_half_backup(tmp_path: Path, step: str) -> None:
    killed_at(step, tmp_path)
    assert any(path.name.startswith(backup_files.STAGED) for path in (tmp_path / "backups").iterdir())
    assert backup_files.find_backups(tmp_path / "backups") == []
    async with with_backups(tmp_path) as opened:
        assert list((tmp_path / "backups").iterdir()) == []
        assert not (tmp_path / "jobs.db" / backup_files.CHECKPOINT).exists()
        await create(opened, "half")
        assert await names(opened) == ["half"]


async def test_a_place_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot hold backups"):
        await Core.open(tmp_path / "jobs.db", CoreOptions(backup_dir=tmp_path / "file"))
    async with bench(tmp_path / "jobs.db") as opened:
        await opened.push()


async def test_a_backup_is_not_served_itself(tmp_path: Path) -> None:
    async with with_backups(tmp_path) as opened:
        await create(opened, "a")
    with pytest.raises(StoreError, match="restore"):
        open_directory(tmp_path / "backups" / "a")
    assert names_in(tmp_path / "backups" / "a") == ["BACKUP", "COMMIT", "FORMAT", "db"]


async def test_a_backup_stays_as_it_is(tmp_path: Path) -> None:
    """Whatever becomes of its origin and of what was restored from it."""
    async with with_backups(tmp_path) as opened:
        await opened.push(*(spec(payload=bytes(9000)) for _ in range(100)))
        await create(opened, "a")
    contents = {file.name: file.read_bytes() for file in (tmp_path / "backups" / "a" / "db").iterdir()}
    restore(tmp_path / "backups" / "a", tmp_path / "again.db")
    for store in ("again.db", "jobs.db"):
        async with bench(tmp_path / store) as opened:
            for delivery in await opened.pull():
                await opened.complete(delivery)
            await opened.advance(8 * 86_400)
            opened.core.engine.store.flush()  # type: ignore[attr-defined]
    assert contents == {file.name: file.read_bytes() for file in (tmp_path / "backups" / "a" / "db").iterdir()}


async def test_tokens_that_the_origin_gave_out_later_do_not_fit(tmp_path: Path) -> None:
    async with with_backups(tmp_path) as opened:
        await opened.push(spec(name="held"), spec(name="taken-later"))
        (held,) = await opened.pull(most=1)
        await create(opened, "a")
    restore(tmp_path / "backups" / "a", tmp_path / "again.db")
    # As many starts of the origin as of the copy: without a jump their epochs would be the same.
    async with with_backups(tmp_path) as opened:
        (later,) = await opened.pull(most=1)
    async with bench(tmp_path / "again.db") as again:
        (delivery,) = await again.pull(most=1)
        assert (delivery.job_id, delivery.attempt) == (later.job_id, later.attempt)
        assert await again.complete(later) == "LEASE_LOST"
        assert await again.complete(held) == ""
        assert await again.complete(delivery) == ""


async def test_a_damaged_backup_is_not_restored(tmp_path: Path) -> None:
    async with with_backups(tmp_path) as opened:
        await opened.push(*(spec(payload=os.urandom(900)) for _ in range(200)))
        await create(opened, "a")
    files = sorted((tmp_path / "backups" / "a" / "db").glob("*.sst"), key=lambda file: file.stat().st_size)
    content = bytearray(files[-1].read_bytes())
    content[len(content) // 2] ^= 0xFF
    files[-1].unlink()
    files[-1].write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        restore(tmp_path / "backups" / "a", tmp_path / "again.db")
    assert names_in(tmp_path) == ["backups", "jobs.db"]


async def test_what_is_no_backup_and_what_is_in_the_way(tmp_path: Path) -> None:
    async with with_backups(tmp_path) as opened:
        await opened.push()
        await create(opened, "a")
    with pytest.raises(backup_files.NoBackup, match="not a backup"):
        restore(tmp_path / "jobs.db", tmp_path / "again.db")
    (tmp_path / "again.db").mkdir()
    with pytest.raises(StoreError, match="exists"):
        restore(tmp_path / "backups" / "a", tmp_path / "again.db")
    (tmp_path / "backups" / "a" / "BACKUP").write_text("{")
    with pytest.raises(backup_files.NoBackup, match="damaged"):
        restore(tmp_path / "backups" / "a", tmp_path / "new.db")
    assert verify_directory(tmp_path / "jobs.db").problems == []
