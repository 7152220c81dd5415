"""How one entry of a batch fared, as the contract's `EntryStatus`."""

from __future__ import annotations

from rockqueue.v1 import job_service_pb2
from rockqueue_server.errors import ServiceError


def entry_status(error: ServiceError) -> job_service_pb2.EntryStatus:
    """What the status of the call would be, had it been made for this entry alone."""
    code: int = error.code.value[0]
    status = job_service_pb2.EntryStatus(code=code, reason=error.reason, message=error.message, metadata=error.metadata)
    for violation in error.violations:
        status.violations.add(field=violation.field, description=violation.description)
    if error.retry_after_s is not None:
        status.retry_delay.FromNanoseconds(round(error.retry_after_s * 1e9))
    return status


def failure_entries(failures: dict[int, ServiceError]) -> list[job_service_pb2.EntryFailure]:
    """Entries by their position in the request."""
    return [
        job_service_pb2.EntryFailure(index=index, status=entry_status(error))
        for index, error in sorted(failures.items())
    ]
