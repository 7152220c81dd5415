"""The calls of the contract as they are, for what the friendly surface does not cover: messages in, messages out."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Generic, Protocol

from rockqueue import _methods as methods
from rockqueue._durations import Seconds, seconds
from rockqueue._methods import Method, Request, Response
from rockqueue._operations import Operations, new_request_id


class OperationsSource(Protocol):
    """Who can give the operations of a client."""

    def operations(self) -> Operations:
        """The client's operations."""
        ...


class RawCall(Generic[Request, Response]):
    """One RPC: `await client.raw.get_job(GetJobRequest(job_id=...))`."""

    def __init__(self, source: OperationsSource, method: Method[Request, Response]) -> None:
        self._source = source
        self._method = method

    async def __call__(self, request: Request, *, timeout: Seconds | None = None, retry: bool = True) -> Response:
        """Makes the call with the client's deadline and retries, or with `timeout` and without.

        A mutating request without `request_id` is given one.
        """
        operations = self._source.operations()
        return await operations.runtime.run(_call(operations, self._method, request, timeout, retry=retry))


class SyncRawCall(Generic[Request, Response]):
    """One RPC: `client.raw.get_job(GetJobRequest(job_id=...))`."""

    def __init__(self, source: OperationsSource, method: Method[Request, Response]) -> None:
        self._source = source
        self._method = method

    def __call__(self, request: Request, *, timeout: Seconds | None = None, retry: bool = True) -> Response:
        """Makes the call with the client's deadline and retries, or with `timeout` and without.

        A mutating request without `request_id` is given one.
        """
        operations = self._source.operations()
        return operations.runtime.submit(_call(operations, self._method, request, timeout, retry=retry)).result()


def _call(
    operations: Operations, method: Method[Request, Response], request: Request, timeout: Seconds | None, *, retry: bool
) -> Coroutine[Any, Any, Response]:
    if "request_id" in request.DESCRIPTOR.fields_by_name and not getattr(request, "request_id", ""):
        named = type(request)()
        named.CopyFrom(request)
        named.MergeFrom(type(request)(request_id=new_request_id()))
        request = named
    timeout_s = None if timeout is None else seconds(timeout, "timeout")
    return operations.call(method, request, timeout_s=timeout_s, attempt_timeout_s=timeout_s, retry=retry)


class Raw:
    """Every unary RPC of `rockqueue.v1`, by its name in snake case."""

    def __init__(self, source: OperationsSource) -> None:
        self.push_jobs = RawCall(source, methods.PUSH_JOBS)
        self.get_job = RawCall(source, methods.GET_JOB)
        self.get_job_logs = RawCall(source, methods.GET_JOB_LOGS)
        self.list_jobs = RawCall(source, methods.LIST_JOBS)
        self.cancel_jobs = RawCall(source, methods.CANCEL_JOBS)
        self.retry_jobs = RawCall(source, methods.RETRY_JOBS)
        self.delete_jobs = RawCall(source, methods.DELETE_JOBS)
        self.wait_job = RawCall(source, methods.WAIT_JOB)
        self.pull_jobs = RawCall(source, methods.PULL_JOBS)
        self.settle_jobs = RawCall(source, methods.SETTLE_JOBS)
        self.extend_leases = RawCall(source, methods.EXTEND_LEASES)
        self.list_queues = RawCall(source, methods.LIST_QUEUES)
        self.get_queue = RawCall(source, methods.GET_QUEUE)
        self.update_queue = RawCall(source, methods.UPDATE_QUEUE)
        self.pause_queue = RawCall(source, methods.PAUSE_QUEUE)
        self.resume_queue = RawCall(source, methods.RESUME_QUEUE)
        self.purge_queue = RawCall(source, methods.PURGE_QUEUE)
        self.get_server_info = RawCall(source, methods.GET_SERVER_INFO)


class SyncRaw:
    """Every unary RPC of `rockqueue.v1`, by its name in snake case; blocks."""

    def __init__(self, source: OperationsSource) -> None:
        self.push_jobs = SyncRawCall(source, methods.PUSH_JOBS)
        self.get_job = SyncRawCall(source, methods.GET_JOB)
        self.get_job_logs = SyncRawCall(source, methods.GET_JOB_LOGS)
        self.list_jobs = SyncRawCall(source, methods.LIST_JOBS)
        self.cancel_jobs = SyncRawCall(source, methods.CANCEL_JOBS)
        self.retry_jobs = SyncRawCall(source, methods.RETRY_JOBS)
        self.delete_jobs = SyncRawCall(source, methods.DELETE_JOBS)
        self.wait_job = SyncRawCall(source, methods.WAIT_JOB)
        self.pull_jobs = SyncRawCall(source, methods.PULL_JOBS)
        self.settle_jobs = SyncRawCall(source, methods.SETTLE_JOBS)
        self.extend_leases = SyncRawCall(source, methods.EXTEND_LEASES)
        self.list_queues = SyncRawCall(source, methods.LIST_QUEUES)
        self.get_queue = SyncRawCall(source, methods.GET_QUEUE)
        self.update_queue = SyncRawCall(source, methods.UPDATE_QUEUE)
        self.pause_queue = SyncRawCall(source, methods.PAUSE_QUEUE)
        self.resume_queue = SyncRawCall(source, methods.RESUME_QUEUE)
        self.purge_queue = SyncRawCall(source, methods.PURGE_QUEUE)
        self.get_server_info = SyncRawCall(source, methods.GET_SERVER_INFO)
