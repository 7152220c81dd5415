"""Small libraries in C that are preloaded into a server: compiled where they are used."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_COMPILED_WITHIN_S = 60.0
_FOLDER = Path(__file__).parent


class CompilerMissing(Exception):
    """There is no C compiler; the message says what to install."""


def build(source: Path, folder: Path) -> Path:
    """Compiles a library into `folder`; its path. Raises CompilerMissing."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise CompilerMissing("no C compiler: install gcc (on Debian and Ubuntu: apt-get install gcc libc6-dev)")
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / f"{source.stem}.so"
    command = [compiler, "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    done = subprocess.run(  # noqa: S603 - a compiler and a source of our own
        command, capture_output=True, text=True, check=False, timeout=_COMPILED_WITHIN_S
    )
    if done.returncode != 0:
        raise CompilerMissing(f"{compiler} cannot compile {source.name}: {done.stderr[-600:]}")
    return library


def source(name: str) -> Path:
    """One of the sources in this folder."""
    return _FOLDER / name
