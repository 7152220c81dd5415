"""What `rockqueue check` finds when no process has the files open."""

from pathlib import Path

import pytest

from email_app.demo.processes import ProcessFailed
from email_app.demo.remains import examine
from email_app.mails import QUEUE, send_welcome
from rockqueue import Client


async def test_the_jobs_on_disk_are_counted_by_state(tmp_path: Path) -> None:
    async with Client(f"embedded:{tmp_path / 'jobs.db'}") as client:
        await send_welcome.push(client, email="ann@mail.example")
        await send_welcome.options(delay=60).push(client, email="bob@mail.example")
        assert (await client.queues.get(QUEUE)).counts.waiting == 1
    remains = await examine(tmp_path / "jobs.db")
    assert (remains.jobs, remains.problems) == (2, ())
    assert remains.states == {"waiting": 1, "delayed": 1}
    assert "2 mails (1 waiting, 1 delayed)" in str(remains)
    assert "the books balance" in str(remains)


async def test_a_folder_that_is_no_queue_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match="rockqueue check failed"):
        await examine(tmp_path / "nothing.db")
