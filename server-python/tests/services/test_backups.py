"""Backups of a store that is served: whole, of one moment, and never half."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from queue_bench import QueueBench, bench, spec

from rockqueue.v1 import server_service_pb2
from rockqueue_server.errors import ServiceError
from rockqueue_server.restore import restore


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
