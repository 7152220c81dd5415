"""The pytest fixture: a plugin of pytest, so what it needs is loaded when it is first used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rockqueue.testing._server import RockQueueServer


@pytest.fixture
def rockqueue_server(tmp_path: Path) -> Iterator[RockQueueServer]:
    """A server of its own for each test, in this process, with a clock that the test turns."""
    from rockqueue.testing._server import RockQueueServer

    with RockQueueServer(tmp_path / "rockqueue") as server:
        yield server
