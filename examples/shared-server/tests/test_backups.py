"""The backup of a running server: it holds what the server held, and stands on its own."""

from pathlib import Path

import pytest
from photos.backups import Restored, restored_backup
from photos.processes import queue_server

from rockqueue import Client


async def test_the_restored_copy_holds_as_many_jobs_as_the_server(tmp_path: Path) -> None:
    async with queue_server(tmp_path) as url, Client(url) as client:
        pushed = [(await client.push("images", "resize", {"number": number})).id for number in range(3)]
        assert await restored_backup(client, tmp_path / "restored.db") == Restored(jobs=3, problems=())
        await client.push("images", "resize", {"number": 3})
        assert (await client.queues.get("images")).counts.waiting == 4, "the server works on"
    async with Client(f"embedded:{tmp_path / 'restored.db'}") as copy:
        assert [job.id async for job in copy.list(queue="images")] == pushed


async def test_nothing_is_restored_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "restored.db").mkdir()
    async with queue_server(tmp_path) as url, Client(url) as client:
        with pytest.raises(RuntimeError, match=r"rockqueue restore failed: .*exists"):
            await restored_backup(client, tmp_path / "restored.db")
