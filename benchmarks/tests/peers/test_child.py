import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rockqueue_bench.peers.child import ChildTrouble, finished, free_port, running, says

# A process that starts another one, says both ids, and waits.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not fetched by its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def eventually(happened: Callable[[], bool]) -> None:
    """Returns when it is so."""
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.01)


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()


async def test_what_a_process_started_ends_with_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It has ended at once, but what it started still holds its output.
    monkeypatch.setattr("rockqueue_bench.peers.child._STOPPED_WITHIN_S", 0.5)
    async with running((sys.executable, "-c", PARENT), tmp_path / "parent.log", pipes=True) as child:
        grandchild = int(await line_of(child.process))
        assert alive(grandchild)
    assert not alive(child.process.pid)
    await eventually(lambda: not alive(grandchild))


async def test_a_process_ends_when_its_block_is_cancelled(tmp_path: Path) -> None:
    pids: list[int] = []

    async def hold() -> None:
        async with running((sys.executable, "-c", "import time; time.sleep(60)"), tmp_path / "held.log") as child:
            pids.append(child.process.pid)
            await child.process.wait()

    task = asyncio.create_task(hold())
    await eventually(lambda: bool(pids))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(pids[0])


async def test_a_process_that_does_not_heed_the_signal_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rockqueue_bench.peers.child._STOPPED_WITHIN_S", 0.2)
    async with running((sys.executable, "-c", STUBBORN), tmp_path / "stubborn.log", pipes=True) as child:
        assert await line_of(child.process) == "up"
    assert child.process.returncode == -signal.SIGKILL


async def test_a_server_that_ends_by_itself_is_told_with_what_it_said(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    command = (sys.executable, "-c", "raise SystemExit('no room on the disk')")
    async with running(command, tmp_path / "server.log") as child:
        with pytest.raises(ChildTrouble, match="server ended with code 1: no room on the disk"):
            await child.until(never, 30)


async def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(ChildTrouble, match="made ended with code 3: bad"):
        await finished((sys.executable, "-c", "import sys; print('bad'); sys.exit(3)"), tmp_path / "made.log", 30)


async def test_nobody_answers_on_a_free_port() -> None:
    assert not await says(free_port(), b"", b"")


async def test_a_process_ends_with_a_harness_that_is_killed(tmp_path: Path) -> None:
    harness = f"""
import asyncio, pathlib, sys
from rockqueue_bench.peers.child import running
async def main():
    log = pathlib.Path({str(tmp_path / "server.log")!r})
    async with running((sys.executable, "-c", "import time; time.sleep(60)"), log) as child:
        print(child.process.pid, flush=True)
        await child.process.wait()
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", harness, stdout=asyncio.subprocess.PIPE)
    server = int(await line_of(process))
    assert alive(server)
    # The kernel is told of the tie before the server's own program runs.
    await eventually(lambda: b"setpriv" not in Path(f"/proc/{server}/cmdline").read_bytes())
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    await eventually(lambda: not alive(server))
