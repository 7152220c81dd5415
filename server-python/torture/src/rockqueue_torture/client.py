"""One client of the load: a connection of its own, and calls that leave their outcome in the history."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import grpc.aio

from rockqueue.v1 import (
    event_service_pb2_grpc,
    job_service_pb2_grpc,
    queue_service_pb2_grpc,
    schedule_service_pb2_grpc,
    work_service_pb2_grpc,
)

CALL_TIMEOUT_S = 5.0
_OPTIONS = [
    # A connection of its own, and a quick return once the server is back.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 5000),  # how long one attempt to connect may take, in spite of its name
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.max_receive_message_length", 16 << 20),
]


class RawClient:
    """The stubs of the contract on one channel."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
        self.jobs = job_service_pb2_grpc.JobServiceStub(self._channel)
        self.work = work_service_pb2_grpc.WorkServiceStub(self._channel)
        self.queues = queue_service_pb2_grpc.QueueServiceStub(self._channel)
        self.schedules = schedule_service_pb2_grpc.ScheduleServiceStub(self._channel)
        self.events = event_service_pb2_grpc.EventServiceStub(self._channel)

    async def close(self) -> None:
        """Closes the connection; calls under way are cancelled."""
        await self._channel.close(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
