"""The programs that run loads, one for each language of the SDKs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rockqueue_bench.results import NotHere

LANGUAGES = ("python", "node", "go")
ROOT = Path(__file__).resolve().parents[3]
_BUILT = ROOT / ".build" / "loads"
_SAYS_WITHIN_S = 10.0


def load_command(language: str, name: str) -> list[str]:
    """The command that runs a load. Raises NotHere when the loads of the language were not built."""
    if language == "python":
        return [sys.executable, "-m", "rockqueue_bench.loads", name]
    return [str(_program(language)), name]


def language_version(language: str) -> str:
    """Which version of a language its loads run on; why there is none, where that is so."""
    if language == "python":
        return sys.version.split()[0]
    try:
        command = (_program(language), "--version")
        told = subprocess.run(  # noqa: S603 - a program of this repository
            command, capture_output=True, text=True, timeout=_SAYS_WITHIN_S, check=True
        )
    except (NotHere, OSError, subprocess.SubprocessError):
        return "not here"
    return told.stdout.strip()


def _program(language: str) -> Path:
    program = _BUILT / language
    if not program.exists():
        raise NotHere(f"the loads of {language} are not built: make -C benchmarks setup")
    return program
