"""What tests may use: a server inside the test's process whose clock they turn.

In `conftest.py`:

    from rockqueue.testing import rockqueue_server

In a test:

    async def test_a_welcome_mail_is_sent(rockqueue_server):
        async with rockqueue_server.client() as client:
            ...
            await rockqueue_server.advance(60)

Names are loaded when they are first used: the messages of `rockqueue.testing.v1` need neither pytest nor the client.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rockqueue.testing._fixture import rockqueue_server as rockqueue_server
    from rockqueue.testing._server import RockQueueServer as RockQueueServer

_HOME = {"RockQueueServer": "_server", "rockqueue_server": "_fixture"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rockqueue.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"rockqueue.testing.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
