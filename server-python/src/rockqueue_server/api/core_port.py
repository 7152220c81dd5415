"""What the gRPC face needs of a core. `rockqueue_server.core.Core` is one; tests have a scripted one."""

from __future__ import annotations

from typing import Protocol


class ServedCore(Protocol):
    """One attribute per service; each has a coroutine method, or a method that returns an async iterator, per RPC.

    Methods are named like the RPC in snake_case, take the request message (`work`: an async iterator of them) and give
    the response message, or its serialized bytes. They raise `ServiceError` for what a client should see.

    A stream's generator is closed when its client goes away. Its `finally` must not await: the cancellation of the
    call may arrive there.
    """

    @property
    def jobs(self) -> object: ...
    @property
    def work(self) -> object: ...
    @property
    def queues(self) -> object: ...
    @property
    def schedules(self) -> object: ...
    @property
    def events(self) -> object: ...
    @property
    def flows(self) -> object: ...
    @property
    def webhooks(self) -> object: ...
    @property
    def server(self) -> object: ...
    @property
    def clock(self) -> object | None:
        """The testing clock, None unless the core was opened for testing."""
        ...

    @property
    def store(self) -> object | None:
        """The testing look at the store, None unless the core was opened for testing."""
        ...
