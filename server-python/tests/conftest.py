"""Fixtures that every test of the server may use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from queue_bench import QueueBench, bench


@pytest.fixture
async def queue_bench(tmp_path: Path) -> AsyncIterator[QueueBench]:
    """A core on a new directory, with a clock that stands still."""
    async with bench(tmp_path / "jobs.db") as opened:
        yield opened
