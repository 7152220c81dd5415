"""What the rest of the package needs of a connection; gRPC and the embedded core both give it.

Everything here is called on the I/O loop of a `Runtime`, and fails with `RockQueueError` and nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from rockqueue._methods import Method, Request, Response
from rockqueue.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse
from rockqueue.v1.job_service_pb2 import PushJobsRequest, PushJobsResponse
from rockqueue.v1.work_service_pb2 import WorkRequest, WorkResponse


class WorkStream(Protocol):
    """One `Work` stream. One task reads while another writes."""

    async def write(self, message: WorkRequest) -> None:
        """Sends a message; waits while the peer does not take it."""
        ...

    async def read(self) -> WorkResponse | None:
        """The next message; None when the server has ended the stream in good order."""
        ...

    async def done_writing(self) -> None:
        """Says that no message will follow."""
        ...

    def cancel(self) -> None:
        """Breaks the stream off."""
        ...

    def give_up(self) -> None:
        """Breaks off a stream that has fallen silent: what is opened from now on has another connection."""
        ...


class Transport(Protocol):
    """A connection to a server or to a core in this process."""

    async def unary(self, method: Method[Request, Response], request: Request, timeout_s: float) -> Response:
        """One attempt of one call."""
        ...

    async def push(self, request: PushJobsRequest, timeout_s: float, patience_s: float) -> PushJobsResponse:
        """One attempt to push a batch; batches are carried out in the order in which they were begun.

        A connection that has said nothing for `patience_s` is given up when the time of an attempt is over.
        """
        ...

    def open_work(self) -> WorkStream:
        """A new `Work` stream."""
        ...

    def watch_events(self, request: WatchEventsRequest) -> AsyncIterator[WatchEventsResponse]:
        """A new event stream; closing the iterator ends it."""
        ...

    async def close(self) -> None:
        """Ends all calls and frees the connection."""
        ...
