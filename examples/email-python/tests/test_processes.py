"""The processes of the demo: started, killed, and none left behind."""

import os
import sys
from pathlib import Path

import pytest

from email_app.demo.processes import Processes, ProcessFailed

READY = r"ready at (\S+)"


def script(text: str) -> list[str]:
    return [sys.executable, "-u", "-c", text]


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_the_address_is_taken_from_the_ready_line(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        talker = await processes.start("talker", script("print('hello\\nready at x:1'); input()"), READY)
        assert talker.address == "x:1"
        assert "hello" in talker.tail()


async def test_leaving_ends_every_process_also_a_deaf_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("email_app.demo.processes.STOP_TIMEOUT_S", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready at x'); time.sleep(60)"
    async with Processes(tmp_path) as processes:
        pids = [
            (await processes.start("deaf", script(deaf), READY)).pid,
            (await processes.start("idle", script("import time; print('ready at x'); time.sleep(60)"), READY)).pid,
        ]
        assert all(exists(pid) for pid in pids)
    assert not any(exists(pid) for pid in pids)


async def test_a_killed_process_is_gone_when_kill_returns(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        idle = await processes.start("idle", script("import time; print('ready at x'); time.sleep(60)"), READY)
        await idle.kill()
        assert not exists(idle.pid)


async def test_a_process_that_ends_early_is_reported_with_its_log(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        with pytest.raises(ProcessFailed, match=r"(?s)broken ended before it was ready.*the port is taken"):
            await processes.start("broken", script("raise SystemExit('the port is taken')"), READY)


async def test_a_process_that_says_nothing_is_reported_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("email_app.demo.processes.READY_TIMEOUT_S", 0.3)
    async with Processes(tmp_path) as processes:
        with pytest.raises(ProcessFailed, match="silent was not ready"):
            await processes.start("silent", script("import time; time.sleep(60)"), READY)
