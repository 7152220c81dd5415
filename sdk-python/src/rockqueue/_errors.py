"""Every error this package raises, as one tree.

    RockQueueError
    ├── InvalidRequest          the request is wrong; sending it again will not help
    │   ├── LimitExceeded       over a limit that `server_info()` reports
    │   ├── PayloadError        a payload or result cannot be encoded or decoded
    │   └── FlowCycle           the jobs of a flow wait for each other in a circle
    ├── NotFound
    │   ├── JobNotFound
    │   ├── QueueNotFound
    │   ├── ScheduleNotFound
    │   ├── FlowNotFound
    │   ├── WebhookNotFound
    │   └── WebhookDeliveryNotFound
    ├── InvalidState            the job's state does not allow it
    ├── LeaseLost               the job belongs to somebody else by now
    ├── UniqueConflict          another job holds the unique key
    ├── ResourceExhausted       the server refuses for now
    │   ├── QueueFull
    │   ├── StorageFull
    │   └── Overloaded
    ├── CursorExpired           the events after this cursor are no longer kept
    ├── BackupExists            there is a backup of this name
    ├── BackupsOff              the server has no place for backups
    ├── WebhookVerificationError  a request that `rockqueue.webhooks.verify` cannot trust
    ├── Unavailable             no answer: server down, going down, or out of reach
    ├── DeadlineExceeded        no answer in time
    ├── ServerError             a defect of the server, or an answer this version does not know
    ├── JobFailed               the job one waited for is DEAD or CANCELLED
    ├── EmbeddedError           the embedded store cannot be opened
    ├── ClientClosed            the client was closed
    └── ForkError               the client was used before a fork

What a handler raises to say what becomes of its job (`NonRetryable`, `RetryAfter`, `Snooze`, `Release`) is not an
error of this package and stands in `_worker/outcomes.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import grpc

if TYPE_CHECKING:
    from rockqueue._models import Job


class RockQueueError(Exception):
    """Base of all errors of this package.

    Attributes:
        code: The canonical gRPC code.
        reason: The stable reason (`"JOB_NOT_FOUND"`), a name of `rockqueue.v1.ErrorReason`; empty when there is none.
        metadata: What varies in the message, by stable keys (`{"job_id": "0193…"}`).
        request_id: The id of the logical call, the same in each of its attempts; empty for reads.
        from_server: True when a RockQueue server said so; False when it was found out on this side.
        outcome_unknown: True when the call may or may not have taken effect.
        retry_after: Seconds after which the server suggests to try again, if it does.
        violations: Field path and what is allowed there, for each field at fault.
    """

    default_code = grpc.StatusCode.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode | None = None,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        request_id: str = "",
        from_server: bool = False,
        outcome_unknown: bool = False,
        retry_after: float | None = None,
        violations: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = self.default_code if code is None else code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.request_id = request_id
        self.from_server = from_server
        self.outcome_unknown = outcome_unknown
        self.retry_after = retry_after
        self.violations = violations

    def clone(self) -> Self:
        """The same error as a new object: one for each of several callers, who each add their own traceback."""
        twin = type(self)(
            self.message,
            code=self.code,
            reason=self.reason,
            metadata=self.metadata,
            request_id=self.request_id,
            from_server=self.from_server,
            outcome_unknown=self.outcome_unknown,
            retry_after=self.retry_after,
            violations=self.violations,
        )
        twin.__cause__ = self.__cause__
        return twin


class InvalidRequest(RockQueueError):
    """The request is wrong; nothing was changed, and sending it again will not help."""

    default_code = grpc.StatusCode.INVALID_ARGUMENT


class LimitExceeded(InvalidRequest):
    """The request is over a limit; `metadata` has `field`, `limit` and `actual`."""


class PayloadError(InvalidRequest):
    """A payload or result cannot be encoded or decoded; the cause says why."""


class FlowCycle(InvalidRequest):
    """The jobs of a flow wait for each other in a circle; nothing was stored."""

    @property
    def cycle(self) -> str:
        """One circle, beginning and ending with the same node: "a -> b -> a"."""
        return self.metadata.get("cycle", "")


class NotFound(RockQueueError):
    """What was named does not exist."""

    default_code = grpc.StatusCode.NOT_FOUND


class JobNotFound(NotFound):
    """No job has this id: it never existed, was deleted, or its retention has passed."""


class QueueNotFound(NotFound):
    """No queue has this name; the first push makes it."""


class ScheduleNotFound(NotFound):
    """No schedule has this name."""


class FlowNotFound(NotFound):
    """No flow has this id: it never existed, or it was finished more than 7 days ago."""


class WebhookNotFound(NotFound):
    """No webhook has this name."""


class WebhookDeliveryNotFound(NotFound):
    """The webhook has no delivery of this id in its log."""


class InvalidState(RockQueueError):
    """The job's state does not allow the operation; `metadata["state"]` is the state it is in."""

    default_code = grpc.StatusCode.FAILED_PRECONDITION


class LeaseLost(RockQueueError):
    """The lease ran out, was settled otherwise, or belongs to an older attempt."""

    default_code = grpc.StatusCode.FAILED_PRECONDITION


class UniqueConflict(RockQueueError):
    """Another job holds the unique key and `on_conflict` is "reject"; nothing was stored."""

    default_code = grpc.StatusCode.ALREADY_EXISTS

    @property
    def job_id(self) -> str:
        """The id of the job that holds the key."""
        return self.metadata.get("job_id", "")


class ResourceExhausted(RockQueueError):
    """The server refuses for now; nothing was stored. Waiting helps."""

    default_code = grpc.StatusCode.RESOURCE_EXHAUSTED


class QueueFull(ResourceExhausted):
    """The queue's `max_backlog_jobs` or `max_backlog_bytes` would be passed; `metadata["setting"]` says which."""


class StorageFull(ResourceExhausted):
    """The server's disk has too little free space to take in jobs."""


class Overloaded(ResourceExhausted):
    """More pushes are waiting to be written than the server is willing to hold."""


class CursorExpired(RockQueueError):
    """The events after this cursor are no longer kept; go on from `earliest_cursor` or from now."""

    default_code = grpc.StatusCode.OUT_OF_RANGE

    @property
    def earliest_cursor(self) -> str:
        """The first cursor that is still kept."""
        return self.metadata.get("earliest_cursor", "")


class BackupExists(RockQueueError):
    """There is a backup of this name; it was left as it is."""

    default_code = grpc.StatusCode.ALREADY_EXISTS


class BackupsOff(RockQueueError):
    """The server was started without a place for backups (`--backup-dir`)."""

    default_code = grpc.StatusCode.FAILED_PRECONDITION


class WebhookVerificationError(RockQueueError):
    """A request that does not come from a webhook, was changed on its way, or is too old: answer it with 400."""

    default_code = grpc.StatusCode.UNAUTHENTICATED


class Unavailable(RockQueueError):
    """No answer: the server is down, going down, or out of reach."""

    default_code = grpc.StatusCode.UNAVAILABLE


class DeadlineExceeded(RockQueueError):
    """No answer in time."""

    default_code = grpc.StatusCode.DEADLINE_EXCEEDED


class ServerError(RockQueueError):
    """A defect of the server, or an answer that this version of the package does not know."""

    default_code = grpc.StatusCode.INTERNAL


class JobFailed(RockQueueError):
    """The job one waited for is DEAD or CANCELLED; see `job`."""

    default_code = grpc.StatusCode.ABORTED
    job: Job

    @classmethod
    def of(cls, job: Job) -> JobFailed:
        """The error for a job that finished without completing."""
        last = job.errors[-1] if job.errors else None
        detail = f": {last.type}: {last.message}" if last else ""
        why = f" ({job.dead_reason})" if job.dead_reason else ""
        error = cls(f"job {job.id} is {job.state}{why}{detail}", metadata={"job_id": job.id, "state": job.state})
        error.job = job
        return error


class EmbeddedError(RockQueueError):
    """The embedded store cannot be opened; the message says what to do."""

    default_code = grpc.StatusCode.FAILED_PRECONDITION


class ClientClosed(RockQueueError):
    """The client was closed; make a new one."""

    default_code = grpc.StatusCode.CANCELLED


class ForkError(RockQueueError):
    """The client was used before this process was forked: make a new one in the child, and close it before a fork."""

    default_code = grpc.StatusCode.FAILED_PRECONDITION
