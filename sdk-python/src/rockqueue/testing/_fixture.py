"""The pytest fixture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rockqueue.testing._server import RockQueueServer


@pytest.fixture
def rockqueue_server(tmp_path: Path) -> Iterator[RockQueueServer]:
    """A server of its own for each test, in this process, with a clock that the test turns."""
    with RockQueueServer(tmp_path / "rockqueue") as server:
        yield server
