"""What tests may use: a server inside the test's process whose clock they turn.

The fixture `rockqueue_server` is there wherever this package is installed:

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

__all__ = ["RockQueueServer", "rockqueue_server"]

_HOME = {"RockQueueServer": "_server", "rockqueue_server": "_fixture"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rockqueue.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"rockqueue.testing.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
