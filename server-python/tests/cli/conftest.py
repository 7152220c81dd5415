"""`start` starts a command that does not outlive its test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.processes import Start, starting


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starting(tmp_path) as starter:
        yield starter
