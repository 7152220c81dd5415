"""One queue in one way to run it: its server, its loads, and what must be said beside its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

Server = Callable[[Path], AbstractAsyncContextManager[str]]
"""Starts a server in an empty directory, and yields its address."""


@dataclass(frozen=True, slots=True)
class Load:
    """How the work is offered: jobs in a call, connections, how long compared with the seconds of the run, payloads."""

    batch: int
    clients: int
    share: float
    payload_bytes: int = 100

    def __str__(self) -> str:
        return f"batch {self.batch}, clients {self.clients}, {self.payload_bytes} bytes"

    @property
    def window(self) -> int:
        """Unacknowledged jobs of a connection, where a system pushes jobs; one at a time where calls have one job."""
        return 1 if self.batch == 1 else 250


BUSY = Load(batch=50, clients=8, share=1.0)
LARGE = Load(batch=50, clients=8, share=1 / 3, payload_bytes=1024)
ONE_CLIENT = Load(batch=50, clients=1, share=1 / 3)
SINGLES = Load(batch=1, clients=8, share=1 / 3)
ONE_BY_ONE = Load(batch=1, clients=1, share=1 / 3)
LOADS = (BUSY, LARGE, ONE_CLIENT, SINGLES, ONE_BY_ONE)
LONG_LOADS = tuple(replace(load, share=1.0) for load in LOADS)
"""For workers that gather completions, or take long to get going: a short run would catch them in between."""


@dataclass(frozen=True, slots=True)
class Setup:
    """`key` is what `--only` names, `command` runs a load in a role, `configuration` says how the queue is run."""

    key: str
    name: str
    durability: str
    configuration: str
    server: Server
    command: Callable[[str], Sequence[str | Path]]
    version: Callable[[], str]
    kind: str = ""
    caveat: str = ""
    loads: tuple[Load, ...] = LOADS
    keeps_server: bool = False
    """Whether one server serves all loads, because it takes long to start; otherwise each load gets a new one."""
    prepares: bool = True
    """Whether the role `prepare` makes its queue before its loads connect."""
    most_backlog: int = 0
    """Jobs that wait when consumption begins; 0: as many as were pushed."""
