"""What a handler knows of its job, and what it can say while it runs."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from rockqueue._durations import from_duration, from_timestamp
from rockqueue._errors import LimitExceeded
from rockqueue._flow_models import ParentJob
from rockqueue._models import JobOrigin
from rockqueue._options import NewJob, build_spec
from rockqueue._payloads import PayloadCodec, decoded
from rockqueue.v1.job_pb2 import JobSpec
from rockqueue.v1.work_service_pb2 import Delivery, JobReport

MAX_FOLLOW_UPS = 100
# The server keeps 4 KiB of a line; no more characters than that can be of use to it.
LOG_LINE_CHARACTERS = 4096


class Signal:
    """Something that happens once. Async handlers `await wait()`, sync ones call `wait_in_thread()`."""

    __slots__ = ("_event", "_set", "_waiters")

    def __init__(self) -> None:
        self._set = False
        self._event: threading.Event | None = None
        self._waiters: list[asyncio.Future[None]] | None = None

    def is_set(self) -> bool:
        """True once it has happened."""
        return self._set

    async def wait(self) -> None:
        """Returns once it has happened; on the worker's loop."""
        if self._set:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)
        await waiter

    def wait_in_thread(self, timeout: float | None = None) -> bool:
        """Returns True once it has happened, False when `timeout` seconds have passed first."""
        event = self._event
        if event is None:
            event = self._event = threading.Event()
        # `set` stores its flag before it looks for the event; so either it finds this one or the flag is seen here.
        if self._set:
            return True
        return event.wait(timeout)

    def set(self) -> None:
        """It happens; on the worker's loop."""
        self._set = True
        if self._event is not None:
            self._event.set()
        for waiter in self._waiters or ():
            if not waiter.done():
                waiter.set_result(None)


class CancelCause(StrEnum):
    """Why a handler should stop.

    Its job was cancelled; it ran longer than its `timeout`; its lease is lost for another reason, and the job may be
    another worker's by now; the worker stops, and its grace is over.
    """

    REQUESTED = "REQUESTED"
    TIMEOUT = "TIMEOUT"
    LEASE_LOST = "LEASE_LOST"
    SHUTDOWN = "SHUTDOWN"


class HandlerHost(Protocol):
    """Who runs the handler: takes its progress and log lines, and asks for it; callable from any thread."""

    def report(self, report: JobReport) -> None:
        """Takes a report; several of one job are put together."""
        ...

    def parents(self, job_id: str) -> concurrent.futures.Future[list[ParentJob]]:
        """Asks for the parents of a job."""
        ...


class JobContext:
    """The job that a handler works on.

    Attributes:
        cancelled: Set when the handler should stop: the job was cancelled, timed out, or its lease is lost. Async
            handlers are cancelled as well; sync ones look at it.
        cancel_cause: Why `cancelled` is set; None before. Further causes do not change it.
        shutting_down: Set when the worker drains: finish soon, or raise `Release`.
    """

    __slots__ = (
        "_codec", "_delivery", "_follow_ups", "_host", "_received", "_spec", "cancel_cause",
        "cancelled", "shutting_down",
    )  # fmt: skip

    def __init__(self, delivery: Delivery, codec: PayloadCodec, host: HandlerHost, shutting_down: Signal) -> None:
        self._delivery = delivery
        self._spec = spec = delivery.spec
        self._codec = codec
        self._host = host
        self._received: datetime | None = datetime.now(UTC) if spec.HasField("timeout") else None
        self._follow_ups: list[JobSpec] = []
        self.cancelled = Signal()
        self.cancel_cause: CancelCause | None = None
        self.shutting_down = shutting_down

    @property
    def id(self) -> str:
        """The job's id."""
        return self._delivery.job_id

    @property
    def queue(self) -> str:
        """The job's queue."""
        return self._spec.queue

    @property
    def name(self) -> str:
        """The kind of job."""
        return self._spec.name

    @property
    def payload(self) -> Any:
        """The handler's input, decoded but not checked against the handler's annotations. Raises PayloadError."""
        return decoded(self._codec, self._spec.payload, self._spec.content_type)

    @property
    def payload_bytes(self) -> bytes:
        """The handler's input as it came."""
        return self._spec.payload

    @property
    def content_type(self) -> str:
        """The media type of the handler's input."""
        return self._spec.content_type

    @property
    def attempt(self) -> int:
        """The number of this delivery: 1 for the first, strictly growing. Use it as a fencing number outside."""
        return self._delivery.attempt

    @property
    def failures(self) -> int:
        """Attempts failed so far."""
        return self._delivery.failures

    @property
    def crashes(self) -> int:
        """Deliveries that ended with the worker gone so far."""
        return self._delivery.crashes

    @property
    def priority(self) -> int:
        """The job's priority."""
        return self._spec.priority

    @property
    def headers(self) -> dict[str, str]:
        """What travels with the job beside its payload."""
        return dict(self._spec.headers)

    @property
    def tags(self) -> tuple[str, ...]:
        """The job's labels."""
        return tuple(self._spec.tags)

    @property
    def group(self) -> str | None:
        """The job's group; None without one."""
        return self._spec.group or None

    @property
    def origin(self) -> JobOrigin:
        """The schedule with its slot, and the flow with the job's node in it, that pushed the job."""
        return JobOrigin.of(self._spec)

    @property
    def create_time(self) -> datetime:
        """When the push was committed."""
        return from_timestamp(self._delivery.create_time)

    @property
    def deadline(self) -> datetime | None:
        """When the attempt times out, by this machine's clock; None without a timeout."""
        if self._received is None:
            return None
        return self._received + timedelta(seconds=from_duration(self._spec.timeout))

    def progress(self, percent: float | None = None, message: str | None = None) -> None:
        """Reports how far the handler is, 0 to 100, and a line about it. Does not wait; one a second is stored."""
        self._host.report(JobReport(lease_token=self._delivery.lease_token, percent=percent, message=message))

    def log(self, text: str) -> None:
        """Logs a line on the job, read by `client.logs(id)`. Does not wait; lines over 4 KiB are cut by the server."""
        self._host.report(JobReport(lease_token=self._delivery.lease_token, log_lines=[text[:LOG_LINE_CHARACTERS]]))

    async def parents(self) -> dict[str, ParentJob]:
        """The parents of a job of a flow, by the names of their nodes: `(await ctx.parents())["render"].result`.

        A parent that is not of the same flow stands under its job id. Empty for a job without parents.
        """
        if not self._spec.origin.flow_id:
            return {}
        return _by_node(await asyncio.wrap_future(self._host.parents(self.id)))

    def parents_in_thread(self) -> dict[str, ParentJob]:
        """The same for sync handlers, which run in a thread."""
        if not self._spec.origin.flow_id:
            return {}
        return _by_node(self._host.parents(self.id).result())

    def follow_up(self, job: NewJob) -> None:
        """Pushes a job in the same commit as this one's completion; not at all when this one does not complete.

        Raises PayloadError, and LimitExceeded from the 101st on.
        """
        if len(self._follow_ups) >= MAX_FOLLOW_UPS:
            limit = str(MAX_FOLLOW_UPS)
            raise LimitExceeded(f"a job may have {limit} follow-ups", metadata={"field": "follow_ups", "limit": limit})
        self._follow_ups.append(build_spec(job.queue, job.name, job.payload, job.options, self._codec))

    def take_follow_ups(self) -> list[JobSpec]:
        """The jobs to push with the completion."""
        return self._follow_ups

    def __repr__(self) -> str:
        return f"<job {self.name} {self.id} attempt {self.attempt}>"


def _by_node(parents: list[ParentJob]) -> dict[str, ParentJob]:
    return {parent.node or parent.job_id: parent for parent in parents}
