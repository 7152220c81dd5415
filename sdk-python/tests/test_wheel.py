"""The packages as users get them: built as wheels, installed into an empty environment, and run there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from readme import write_programs

ROOT = Path(__file__).parents[2]
UV = str(ROOT / ".ci" / "uv")


def run(folder: Path, *command: str) -> str:
    # What the environment of the tests adds to the path must not help.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.registry
@pytest.mark.timeout(180)
def test_the_first_programs_of_the_readme_run_in_an_empty_environment(tmp_path: Path) -> None:
    for member in ("sdk-python", "server-python"):
        build = ("build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable)
        run(tmp_path, UV, *build, "--out-dir", "dist", str(ROOT / member))
    wheels = sorted(str(path) for path in (tmp_path / "dist").glob("*.whl"))
    assert [Path(wheel).name.partition("-")[0] for wheel in wheels] == ["rockqueue", "rockqueue_server"]
    run(tmp_path, UV, "venv", "--quiet", "--python", sys.executable, "empty")
    python = str(tmp_path / "empty" / "bin" / "python")
    pins = str(ROOT / "requirements.txt")
    run(tmp_path, UV, "pip", "install", "--quiet", "--python", python, "--constraint", pins, *wheels)

    write_programs(tmp_path)
    assert "on disk:" in run(tmp_path, python, "push.py")
    assert "WAITING" in run(tmp_path, python, "sync_push.py")
    where = run(tmp_path, python, "-c", "import rockqueue; print(rockqueue.__file__)")
    assert where.startswith(str(tmp_path.resolve() / "empty"))
    typed = run(
        tmp_path, python, "-c", "import rockqueue, importlib.resources as r; print(r.files(rockqueue) / 'py.typed')"
    )
    assert Path(typed.strip()).is_file()
