"""What a session is asked for, whom it tells, what it is given, and what ends with a stream of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rockqueue._worker.health import Health
from rockqueue.v1.work_service_pb2 import CancelRequest, Delivery, JobReport, Settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What a session asks the server for; durations in seconds, None for the server's default."""

    queues: tuple[str, ...]
    worker: str
    concurrency: int
    prefetch: int
    lease_s: float | None
    resume_grace_s: float | None


class SessionListener(Protocol):
    """Whom a session tells what the server says; called on the I/O loop."""

    def on_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Jobs to work on."""
        ...

    def on_cancels(self, cancels: Sequence[CancelRequest]) -> None:
        """Handlers that should stop."""
        ...

    def on_lost(self, tokens: frozenset[bytes]) -> None:
        """Leases that did not survive a reconnect."""
        ...

    def on_server_drain(self) -> None:
        """The server is shutting down: what has not begun should be given back."""
        ...

    def health(self) -> Health:
        """How the worker fares, for a heartbeat."""
        ...


@dataclass(frozen=True, slots=True)
class Dropped:
    """A delivery whose lease is lost, and whose handler has ended."""

    lease_token: bytes


Post = Settlement | JobReport | Dropped


@dataclass(slots=True)
class StreamState:
    """What ends with a stream."""

    last_received: float = 0.0
    heartbeats: int = 0
    heartbeat_due: bool = False
    reports_due: bool = False
    reports_scheduled: bool = False
    drain_said: bool = False
    server_drains: bool = False
    goodbye_said: bool = False
