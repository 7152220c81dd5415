"""Fixtures: a scripted server, and clients that do not wait long between attempts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from scripted import ScriptedServer

from rockqueue import CallRetry, Client

QUICK = CallRetry(initial_delay=0.005, max_delay=0.02, attempt_timeout=2.0, max_server_delay=0.05)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    scripted.start()
    yield scripted
    scripted.close()
    for failure in scripted.failures:
        raise failure


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[Client]:
    async with Client(server.url, retry=QUICK, timeout=5) as connected:
        yield connected


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Client]:
    async with Client(f"embedded:{tmp_path}/jobs.db", timeout=10) as opened:
        yield opened
