"""The one kind of error that leaves the core: a gRPC code, a stable reason, and what a caller needs to act on it."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field

import grpc

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that has a value that is not allowed.

    `field` is the proto path (`jobs[3].queue`), `description` says what is allowed.
    """

    field: str
    description: str


@dataclass(slots=True)
class ServiceError(Exception):
    """A refusal or a failure, in the terms of the contract (`rockqueue/v1/error_reason.proto`).

    `reason` is an ErrorReason without its prefix. `message` is for people and tells them what to do next; everything
    in it that varies is also in `metadata`. `retry_after_s` is set where waiting helps.
    """

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    violations: tuple[FieldViolation, ...] = ()
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


def invalid_field(*violations: FieldViolation) -> ServiceError:
    """INVALID_FIELD for up to 32 fields; the first one is also in the message and the metadata."""
    first = violations[0]
    return ServiceError(
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
        f"{first.field}: {first.description}",
        {"field": first.field},
        violations[:32],
    )


def limit_exceeded(field_path: str, limit: int, actual: int, unit: str) -> ServiceError:
    """LIMIT_EXCEEDED: `actual` is more than `limit`, both counted in `unit`."""
    description = f"{actual} {unit} is over the limit of {limit}"
    return ServiceError(
        grpc.StatusCode.INVALID_ARGUMENT,
        "LIMIT_EXCEEDED",
        f"{field_path}: {description}",
        {"field": field_path, "limit": str(limit), "actual": str(actual)},
        (FieldViolation(field_path, description),),
    )


def _not_found(reason: str, message: str, **metadata: str) -> ServiceError:
    return ServiceError(grpc.StatusCode.NOT_FOUND, reason, message, metadata)


def job_not_found(job_id: str) -> ServiceError:
    """JOB_NOT_FOUND for the id as the caller wrote it."""
    message = f"no job {job_id}: it never existed, was deleted, or its retention has passed"
    return _not_found("JOB_NOT_FOUND", message, job_id=job_id)


def queue_not_found(queue: str) -> ServiceError:
    """QUEUE_NOT_FOUND for a queue that no push or update has made yet."""
    message = f"no queue {queue!r}: push a job to it, or make it with UpdateQueue"
    return _not_found("QUEUE_NOT_FOUND", message, queue=queue)


def schedule_not_found(name: str) -> ServiceError:
    """SCHEDULE_NOT_FOUND for a name under which nothing was put, or what was put was removed."""
    return _not_found("SCHEDULE_NOT_FOUND", f"no schedule {name!r}: make it with PutSchedule", schedule=name)


def flow_not_found(flow_id: str) -> ServiceError:
    """FLOW_NOT_FOUND for the id as the caller wrote it."""
    message = f"no flow {flow_id}: it never existed, or was finished more than 7 days ago"
    return _not_found("FLOW_NOT_FOUND", message, flow_id=flow_id)


def webhook_not_found(name: str) -> ServiceError:
    """WEBHOOK_NOT_FOUND for the name as the caller wrote it."""
    return _not_found("WEBHOOK_NOT_FOUND", f"no webhook {name!r}: make it with PutWebhook", webhook=name)


def webhook_delivery_not_found(delivery_id: str) -> ServiceError:
    """WEBHOOK_DELIVERY_NOT_FOUND for the id as the caller wrote it."""
    message = f"no delivery {delivery_id!r} in the log: it was never made, or is no longer kept"
    return _not_found("WEBHOOK_DELIVERY_NOT_FOUND", message, delivery_id=delivery_id)


def invalid_state(job_id: str, state: str, wanted: str) -> ServiceError:
    """INVALID_STATE: the job is `state`, and `wanted` says which states the operation needs."""
    return ServiceError(
        grpc.StatusCode.FAILED_PRECONDITION,
        "INVALID_STATE",
        f"job {job_id} is {state}; this needs {wanted}",
        {"job_id": job_id, "state": state},
    )


def lease_lost(job_id: str) -> ServiceError:
    """LEASE_LOST: the token does not name the job's current delivery."""
    return ServiceError(
        grpc.StatusCode.FAILED_PRECONDITION,
        "LEASE_LOST",
        "the lease ran out, was settled otherwise, or belongs to an older attempt; drop the job",
        {"job_id": job_id} if job_id else {},
    )


def backup_exists(name: str) -> ServiceError:
    """BACKUP_EXISTS: backups are never overwritten."""
    return ServiceError(
        grpc.StatusCode.ALREADY_EXISTS,
        "BACKUP_EXISTS",
        f"there is a backup {name!r} already: choose another name, or remove its folder",
        {"backup": name},
    )


def backups_off() -> ServiceError:
    """BACKUPS_OFF: the server has no place for backups."""
    return ServiceError(
        grpc.StatusCode.FAILED_PRECONDITION,
        "BACKUPS_OFF",
        "the server has no place for backups: start it with --backup-dir",
    )


def shutting_down() -> ServiceError:
    """SHUTTING_DOWN: the same call will be answered by this server's successor."""
    return ServiceError(
        grpc.StatusCode.UNAVAILABLE,
        "SHUTTING_DOWN",
        "the server is shutting down; call again",
        retry_after_s=0.1,
    )


def slow_reader() -> ServiceError:
    """SLOW_READER: the stream was closed because its client did not read."""
    return ServiceError(
        grpc.StatusCode.UNAVAILABLE,
        "SLOW_READER",
        "the client has not read from this stream for too long; open it again",
        retry_after_s=0.1,
    )


def overloaded(message: str) -> ServiceError:
    """OVERLOADED: intake is refused, not settlements."""
    return ServiceError(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", message, retry_after_s=0.1)


def storage_full() -> ServiceError:
    """STORAGE_FULL: intake is refused until space is freed."""
    return ServiceError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "STORAGE_FULL",
        "the disk has too little free space to take in jobs; free space, or delete finished jobs",
        retry_after_s=1.0,
    )


def storage_failed() -> ServiceError:
    """STORAGE_FAILED: the outcome is unknown until the call is repeated with the same request id."""
    return ServiceError(
        grpc.StatusCode.UNAVAILABLE,
        "STORAGE_FAILED",
        "the disk refused a write; repeat the call with the same request_id to learn its outcome",
        retry_after_s=1.0,
    )


def incident(method: str, error: BaseException) -> ServiceError:
    """INTERNAL for a defect: the client gets a random id, the log gets the same id and the traceback."""
    number = secrets.token_hex(6)
    logger.error("internal error", exc_info=error, extra={"incident": number, "method": method})
    return ServiceError(
        grpc.StatusCode.INTERNAL, "INTERNAL", f"internal error, incident {number}", {"incident": number}
    )
