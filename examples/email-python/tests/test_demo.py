"""The whole demo, as `make demo` runs it: both acts, both kills, and no process left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_S = 120


def processes_below(folder: Path) -> list[str]:
    """The command lines of the processes that work in the folder."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.timeout(LIMIT_S + 10)
def test_the_demo_keeps_its_promise(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "email_app.demo", "--seed", "1"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    assert all(character == "\n" or character.isprintable() for character in run.stdout)
    assert run.stdout.count("kill -9") == 2
    for line in (
        "ok    on disk after the kill",
        "ok    lost",
        "ok    resets that overtook",
        "ok    starts out of order",
    ):
        assert line in run.stdout, run.stdout[-4000:]
    assert "WRONG" not in run.stdout
    assert "JOB_STARTED" in run.stdout
    assert processes_below(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
