"""Every program of the README runs, in the order in which a newcomer meets them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```python\n# (?P<name>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_BLOCK = re.compile(r"^```python$", re.MULTILINE)
TIMEOUT_S = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    blocks = list(BLOCK.finditer(README.read_text()))
    assert len(blocks) == len(ANY_BLOCK.findall(README.read_text())), "a program of the README has no name"
    for block in blocks:
        (tmp_path / block["name"]).write_text(block["text"])
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def work_until(folder: Path, last: str) -> str:
    """Runs worker.py until it has printed a line with `last`, and stops it as a service manager would."""
    command = [sys.executable, "worker.py"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as worker:
        try:
            assert worker.stdout is not None
            lines: list[str] = []
            for line in worker.stdout:
                lines.append(line)
                if last in line:
                    break
            worker.send_signal(signal.SIGTERM)
            lines.extend(worker.stdout)
            assert worker.wait(TIMEOUT_S) == 0, "".join(lines)
        finally:
            worker.kill()
    return "".join(lines)


@pytest.mark.timeout(120)
def test_the_programs_tell_the_story(folder: Path) -> None:
    assert "on disk:" in run(folder, "push.py")
    assert "WAITING" in run(folder, "sync_push.py")

    worked = work_until(folder, "grace@example.com")
    assert "mail to ada@example.com: welcome, Ada!" in worked
    assert worked.count("mail to user") == 3

    watched = run(folder, "watch.py")
    assert "JOB_PUSHED welcome_email" in watched
    assert "JOB_DEAD welcome_email" in watched

    dead = run(folder, "dead_letters.py")
    assert "dead: {'to': 'nobody'} NON_RETRYABLE 'nobody' is not an address" in dead
    assert "put back: 1" in dead

    assert "1 passed" in run(
        folder, "-m", "pytest", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "--rootdir=.", "test_mail.py"
    )
