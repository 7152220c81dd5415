"""Which versions were measured, as the programs and the pins tell."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rockqueue_bench.peers.places import NODE_LOADS, PYTHON_LOADS, SOURCES, installed

_SAYS_WITHIN_S = 20.0
_NUMBER = re.compile(r"\d+(?:\.\d+)+")


def said(command: Sequence[str | Path]) -> str:
    """The version number in what a command says."""
    told = subprocess.run(  # noqa: S603 - a program that the catalogue names
        [str(part) for part in command], capture_output=True, text=True, timeout=_SAYS_WITHIN_S, check=False
    )
    return number_in(told.stdout + told.stderr)


def number_in(text: str) -> str:
    """The first version number of a text, "unknown" when there is none."""
    found = _NUMBER.search(text)
    return found[0] if found else "unknown"


def rabbitmq_version() -> str:
    """The version of RabbitMQ, from the folder it is installed in: asking the program takes seconds."""
    program = installed("rabbitmq-server", "rabbitmq-server").resolve()
    beside = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
    return number_in(beside[-1].name if beside else str(program))


def npm_version(package: str) -> str:
    """The pinned version of a package for Node.js."""
    return json.loads((NODE_LOADS / "package.json").read_text())["dependencies"][package]


def python_version(package: str) -> str:
    """The pinned version of a Python package."""
    return pinned(package, (PYTHON_LOADS / "requirements.txt").read_text())


def pinned(package: str, requirements: str) -> str:
    """The version of a package in the text of a requirements file, "unknown" when it is not there."""
    found = re.search(rf"^{re.escape(package)}==(\S+)", requirements, re.MULTILINE)
    return found[1] if found else "unknown"


def go_version(module: str) -> str:
    """The pinned version of a Go module, without its `v`."""
    found = re.search(rf"^\s*{re.escape(module)} v(\S+)", (SOURCES / "go" / "go.mod").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"
