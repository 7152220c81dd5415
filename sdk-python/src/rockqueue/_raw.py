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
        self.explain_job = RawCall(source, methods.EXPLAIN_JOB)
        self.pull_jobs = RawCall(source, methods.PULL_JOBS)
        self.settle_jobs = RawCall(source, methods.SETTLE_JOBS)
        self.extend_leases = RawCall(source, methods.EXTEND_LEASES)
        self.list_workers = RawCall(source, methods.LIST_WORKERS)
        self.list_queues = RawCall(source, methods.LIST_QUEUES)
        self.get_queue = RawCall(source, methods.GET_QUEUE)
        self.update_queue = RawCall(source, methods.UPDATE_QUEUE)
        self.pause_queue = RawCall(source, methods.PAUSE_QUEUE)
        self.resume_queue = RawCall(source, methods.RESUME_QUEUE)
        self.purge_queue = RawCall(source, methods.PURGE_QUEUE)
        self.explain_queue = RawCall(source, methods.EXPLAIN_QUEUE)
        self.list_groups = RawCall(source, methods.LIST_GROUPS)
        self.update_group = RawCall(source, methods.UPDATE_GROUP)
        self.put_schedule = RawCall(source, methods.PUT_SCHEDULE)
        self.get_schedule = RawCall(source, methods.GET_SCHEDULE)
        self.list_schedules = RawCall(source, methods.LIST_SCHEDULES)
        self.delete_schedule = RawCall(source, methods.DELETE_SCHEDULE)
        self.pause_schedule = RawCall(source, methods.PAUSE_SCHEDULE)
        self.resume_schedule = RawCall(source, methods.RESUME_SCHEDULE)
        self.trigger_schedule = RawCall(source, methods.TRIGGER_SCHEDULE)
        self.backfill_schedule = RawCall(source, methods.BACKFILL_SCHEDULE)
        self.preview_schedule = RawCall(source, methods.PREVIEW_SCHEDULE)
        self.push_flow = RawCall(source, methods.PUSH_FLOW)
        self.get_flow = RawCall(source, methods.GET_FLOW)
        self.list_flows = RawCall(source, methods.LIST_FLOWS)
        self.cancel_flow = RawCall(source, methods.CANCEL_FLOW)
        self.retry_flow = RawCall(source, methods.RETRY_FLOW)
        self.list_parents = RawCall(source, methods.LIST_PARENTS)
        self.put_webhook = RawCall(source, methods.PUT_WEBHOOK)
        self.get_webhook = RawCall(source, methods.GET_WEBHOOK)
        self.list_webhooks = RawCall(source, methods.LIST_WEBHOOKS)
        self.delete_webhook = RawCall(source, methods.DELETE_WEBHOOK)
        self.rotate_webhook_secret = RawCall(source, methods.ROTATE_WEBHOOK_SECRET)
        self.test_webhook = RawCall(source, methods.TEST_WEBHOOK)
        self.list_webhook_deliveries = RawCall(source, methods.LIST_WEBHOOK_DELIVERIES)
        self.resend_webhook_delivery = RawCall(source, methods.RESEND_WEBHOOK_DELIVERY)
        self.get_server_info = RawCall(source, methods.GET_SERVER_INFO)
        self.create_backup = RawCall(source, methods.CREATE_BACKUP)
        self.list_backups = RawCall(source, methods.LIST_BACKUPS)


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
        self.explain_job = SyncRawCall(source, methods.EXPLAIN_JOB)
        self.pull_jobs = SyncRawCall(source, methods.PULL_JOBS)
        self.settle_jobs = SyncRawCall(source, methods.SETTLE_JOBS)
        self.extend_leases = SyncRawCall(source, methods.EXTEND_LEASES)
        self.list_workers = SyncRawCall(source, methods.LIST_WORKERS)
        self.list_queues = SyncRawCall(source, methods.LIST_QUEUES)
        self.get_queue = SyncRawCall(source, methods.GET_QUEUE)
        self.update_queue = SyncRawCall(source, methods.UPDATE_QUEUE)
        self.pause_queue = SyncRawCall(source, methods.PAUSE_QUEUE)
        self.resume_queue = SyncRawCall(source, methods.RESUME_QUEUE)
        self.purge_queue = SyncRawCall(source, methods.PURGE_QUEUE)
        self.explain_queue = SyncRawCall(source, methods.EXPLAIN_QUEUE)
        self.list_groups = SyncRawCall(source, methods.LIST_GROUPS)
        self.update_group = SyncRawCall(source, methods.UPDATE_GROUP)
        self.put_schedule = SyncRawCall(source, methods.PUT_SCHEDULE)
        self.get_schedule = SyncRawCall(source, methods.GET_SCHEDULE)
        self.list_schedules = SyncRawCall(source, methods.LIST_SCHEDULES)
        self.delete_schedule = SyncRawCall(source, methods.DELETE_SCHEDULE)
        self.pause_schedule = SyncRawCall(source, methods.PAUSE_SCHEDULE)
        self.resume_schedule = SyncRawCall(source, methods.RESUME_SCHEDULE)
        self.trigger_schedule = SyncRawCall(source, methods.TRIGGER_SCHEDULE)
        self.backfill_schedule = SyncRawCall(source, methods.BACKFILL_SCHEDULE)
        self.preview_schedule = SyncRawCall(source, methods.PREVIEW_SCHEDULE)
        self.push_flow = SyncRawCall(source, methods.PUSH_FLOW)
        self.get_flow = SyncRawCall(source, methods.GET_FLOW)
        self.list_flows = SyncRawCall(source, methods.LIST_FLOWS)
        self.cancel_flow = SyncRawCall(source, methods.CANCEL_FLOW)
        self.retry_flow = SyncRawCall(source, methods.RETRY_FLOW)
        self.list_parents = SyncRawCall(source, methods.LIST_PARENTS)
        self.put_webhook = SyncRawCall(source, methods.PUT_WEBHOOK)
        self.get_webhook = SyncRawCall(source, methods.GET_WEBHOOK)
        self.list_webhooks = SyncRawCall(source, methods.LIST_WEBHOOKS)
        self.delete_webhook = SyncRawCall(source, methods.DELETE_WEBHOOK)
        self.rotate_webhook_secret = SyncRawCall(source, methods.ROTATE_WEBHOOK_SECRET)
        self.test_webhook = SyncRawCall(source, methods.TEST_WEBHOOK)
        self.list_webhook_deliveries = SyncRawCall(source, methods.LIST_WEBHOOK_DELIVERIES)
        self.resend_webhook_delivery = SyncRawCall(source, methods.RESEND_WEBHOOK_DELIVERY)
        self.get_server_info = SyncRawCall(source, methods.GET_SERVER_INFO)
        self.create_backup = SyncRawCall(source, methods.CREATE_BACKUP)
        self.list_backups = SyncRawCall(source, methods.LIST_BACKUPS)
