from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "docs" / "first_job.py"


def run_in(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], cwd=folder, capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_program_of_the_readme_works_its_job_and_again_on_the_same_files(tmp_path: Path) -> None:
    for _ in range(2):
        assert run_in(tmp_path) == ["Hello, Ada! This is attempt 1.", "COMPLETED"]
    assert (tmp_path / "jobs.db").is_dir()
