"""The sync client: the same calls for programs without a loop."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Self, Unpack, overload

from rockqueue import _methods as methods
from rockqueue._batching import Entry
from rockqueue._client_base import ClientBase, OnProgress, chosen_job, ids_of
from rockqueue._durations import Seconds, seconds
from rockqueue._event_models import EventFilter
from rockqueue._events import SyncEventStream, watch_request
from rockqueue._flow_calls import SyncFlows
from rockqueue._middleware import PushHook, around_push_sync, only
from rockqueue._models import BulkResult, Job, JobLogs, PushedJob, ServerInfo
from rockqueue._operating import SyncBackups, WorkerInfo, workers_request
from rockqueue._operations import BulkChange, Durability, JobFilter, build_filter, list_request
from rockqueue._options import JobOptions, NewJob, build_spec
from rockqueue._queue_models import JobExplanation
from rockqueue._queues import SyncQueues
from rockqueue._raw import SyncRaw
from rockqueue._schedules import SyncSchedules
from rockqueue._webhooks import SyncWebhooks
from rockqueue.v1 import job_service_pb2

# `list` is a method of the client.
PushedJobs = list[PushedJob]


class SyncClient(ClientBase):
    """Talks to RockQueue from code without an event loop; names, options and errors are those of `Client`.

        with SyncClient("embedded:./jobs.db") as client:
            client.push("mail", "welcome-email", {"to": "ada@example.com"})

    Calls block the calling thread; one client serves any number of threads. It does not survive a fork.
    """

    _push_hook: ClassVar[PushHook] = "push_sync"

    @property
    def queues(self) -> SyncQueues:
        """Looking after queues."""
        return SyncQueues(self)

    @property
    def schedules(self) -> SyncSchedules:
        """Jobs that come again and again."""
        return SyncSchedules(self)

    @property
    def flows(self) -> SyncFlows:
        """Jobs that wait for jobs; they are built by `rockqueue.flows`."""
        return SyncFlows(self)

    @property
    def webhooks(self) -> SyncWebhooks:
        """Events as HTTP requests."""
        return SyncWebhooks(self)

    @property
    def backups(self) -> SyncBackups:
        """Copies of the server's store."""
        return SyncBackups(self)

    @property
    def raw(self) -> SyncRaw:
        """The calls of the contract as they are, messages in and messages out."""
        return SyncRaw(self)

    def __enter__(self) -> Self:
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def connect(self) -> None:
        """Starts the client, and opens an embedded store. A server is not contacted: the first call does.

        Raises EmbeddedError.
        """
        runtime = self.operations().runtime
        runtime.submit(runtime.transport()).result()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Waits for pushes under way, then disconnects. Calls under way fail. Twice is fine."""
        operations = self._begin_closing()
        if operations is not None:
            if operations.has_pushes():
                operations.runtime.submit(operations.flush()).result()
            operations.runtime.release_blocking()

    @overload
    def push(self, queue: NewJob, /) -> PushedJob: ...
    @overload
    def push(self, queue: str, name: str, payload: Any = None, **options: Unpack[JobOptions]) -> PushedJob: ...
    def push(
        self, queue: str | NewJob, name: str = "", payload: Any = None, **options: Unpack[JobOptions]
    ) -> PushedJob:
        """Stores one job and returns when it is on disk. Pushes made at the same time travel together.

        Raises PayloadError, InvalidRequest, UniqueConflict, QueueFull, StorageFull, Overloaded, Unavailable,
        DeadlineExceeded (see `outcome_unknown`).
        """
        queue, name, payload, options = chosen_job(queue, name, payload, options)
        if self.middleware:
            push = around_push_sync(self.middleware, self._push_each)
            if push is not None:
                return only(push([NewJob(queue, name, payload, **options)]))
        return self._submit(queue, name, payload, options)()

    def _push_each(self, jobs: Sequence[NewJob]) -> PushedJobs:
        answers = [self._submit(job.queue, job.name, job.payload, job.options) for job in jobs]
        return [answer() for answer in answers]

    def _submit(self, queue: str, name: str, payload: Any, options: JobOptions) -> Callable[[], PushedJob]:
        operations = self.operations()
        spec = build_spec(queue, name, payload, options, self.codec)
        size = spec.ByteSize()
        turn = operations.room.take(size)
        if turn is not None:
            operations.room.wait_blocking(turn, size)
        waiter = concurrent.futures.Future[PushedJob]()
        operations.batcher().submit(Entry(spec, size, waiter))
        return partial(blocking_result, waiter)

    def push_many(
        self, jobs: Iterable[NewJob], *, durability: Durability | None = None, timeout: Seconds | None = None
    ) -> PushedJobs:
        """Stores jobs in order and returns when they are on disk.

        Up to the server's limits (1,000 jobs, 4 MiB) all are stored or none. More are cut into several such batches;
        when one of them fails, `error.metadata["pushed"]` says how many jobs were stored before it.
        """
        timeout_s = None if timeout is None else seconds(timeout, "timeout")

        def push(jobs: Sequence[NewJob]) -> PushedJobs:
            operations = self.operations()
            specs = [build_spec(job.queue, job.name, job.payload, job.options, self.codec) for job in jobs]
            return operations.runtime.submit(operations.push_batch(specs, durability, timeout_s)).result()

        return (around_push_sync(self.middleware, push) or push)(list(jobs))

    def get(self, job_id: str) -> Job:
        """One job, payload and result included. Raises JobNotFound."""
        operations = self.operations()
        return operations.runtime.submit(operations.get(job_id)).result()

    def logs(self, job_id: str) -> JobLogs:
        """What the job's handlers logged. Raises JobNotFound."""
        operations = self.operations()
        return operations.runtime.submit(operations.logs(job_id)).result()

    def list(
        self,
        *,
        newest_first: bool = False,
        include_payload: bool = False,
        page_size: int = 100,
        **wanted: Unpack[JobFilter],
    ) -> Iterator[Job]:
        """All jobs that match, fetched a page at a time: `for job in client.list(queue="mail", state="DEAD")`."""
        request = list_request(wanted, newest_first=newest_first, include_payload=include_payload, page_size=page_size)
        while True:
            operations = self.operations()
            jobs, token = operations.runtime.submit(operations.list_page(request)).result()
            yield from jobs
            if not token:
                return
            request.page_token = token

    def cancel(self, job_id: str) -> None:
        """Cancels a job; one that is ACTIVE is asked to stop. Raises JobNotFound, InvalidState."""
        operations = self.operations()
        operations.runtime.submit(operations.change_one(BulkChange("cancel"), job_id)).result()

    def cancel_many(self, job_ids: Iterable[str]) -> BulkResult:
        """Cancels jobs; those that could not be are in the result."""
        operations = self.operations()
        return operations.runtime.submit(operations.change(BulkChange("cancel"), ids_of(job_ids))).result()

    def cancel_all(
        self,
        *,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        **wanted: Unpack[JobFilter],
    ) -> int:
        """Cancels all unfinished jobs that match and returns how many.

        A dry run only counts. `on_progress` is told how many it were so far, after each step of up to 10,000 jobs.
        """
        return self._change_all(BulkChange("cancel"), wanted, on_progress, dry_run=dry_run)

    def retry(self, job_id: str, *, queue: str = "") -> None:
        """Puts a DEAD or CANCELLED job back, into another queue if one is named. Raises JobNotFound, InvalidState."""
        operations = self.operations()
        operations.runtime.submit(operations.change_one(BulkChange("retry", queue), job_id)).result()

    def retry_many(self, job_ids: Iterable[str], *, queue: str = "") -> BulkResult:
        """Puts jobs back; those that could not be are in the result."""
        operations = self.operations()
        return operations.runtime.submit(operations.change(BulkChange("retry", queue), ids_of(job_ids))).result()

    def retry_all(
        self,
        *,
        into_queue: str = "",
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        **wanted: Unpack[JobFilter],
    ) -> int:
        """Puts all DEAD and CANCELLED jobs that match back and returns how many.

        `dry_run` and `on_progress` are as in `cancel_all`.
        """
        return self._change_all(BulkChange("retry", into_queue), wanted, on_progress, dry_run=dry_run)

    def delete(self, job_id: str) -> None:
        """Removes a job that is not ACTIVE, and all that is known of it. Raises JobNotFound, InvalidState."""
        operations = self.operations()
        operations.runtime.submit(operations.change_one(BulkChange("delete"), job_id)).result()

    def delete_many(self, job_ids: Iterable[str]) -> BulkResult:
        """Removes jobs; those that could not be are in the result."""
        operations = self.operations()
        return operations.runtime.submit(operations.change(BulkChange("delete"), ids_of(job_ids))).result()

    def delete_all(
        self,
        *,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        **wanted: Unpack[JobFilter],
    ) -> int:
        """Removes all jobs that match and are not ACTIVE, and returns how many.

        `dry_run` and `on_progress` are as in `cancel_all`.
        """
        return self._change_all(BulkChange("delete"), wanted, on_progress, dry_run=dry_run)

    def _change_all(
        self, change: BulkChange, wanted: JobFilter, on_progress: OnProgress | None, *, dry_run: bool
    ) -> int:
        request, token, affected = build_filter(wanted), "", 0
        while token is not None:
            operations = self.operations()
            step = operations.change_step(change, request, token, dry_run=dry_run)
            count, token = operations.runtime.submit(step).result()
            affected += count
            if on_progress is not None:
                on_progress(affected)
        return affected

    def explain(self, job_id: str) -> JobExplanation:
        """Why a job is not running, or that it is. Raises JobNotFound."""
        operations = self.operations()
        request = job_service_pb2.ExplainJobRequest(job_id=job_id)
        return JobExplanation.of(operations.runtime.submit(operations.call(methods.EXPLAIN_JOB, request)).result())

    def wait(self, job_id: str, *, timeout: Seconds | None = None) -> Job:
        """Waits until a job is finished. Default: for ever. Raises JobNotFound, DeadlineExceeded."""
        operations = self.operations()
        timeout_s = None if timeout is None else seconds(timeout, "timeout")
        return operations.runtime.submit(operations.wait(job_id, timeout_s)).result()

    def result(self, job_id: str, *, timeout: Seconds | None = None) -> Any:
        """Waits for a job and returns what its handler returned. Raises JobFailed, JobNotFound, DeadlineExceeded."""
        operations = self.operations()
        timeout_s = None if timeout is None else seconds(timeout, "timeout")
        return operations.runtime.submit(operations.result(job_id, timeout_s)).result()

    def events(
        self,
        *,
        after: str | None = None,
        beginning: bool = False,
        **wanted: Unpack[EventFilter],
    ) -> SyncEventStream:
        """What happens: from now, `after` a cursor, or from the `beginning` of what is kept. See `SyncEventStream`."""
        request = watch_request(wanted, after, beginning=beginning)
        return SyncEventStream(self.operations, request)

    def workers(self, queue: str = "") -> Iterator[WorkerInfo]:
        """The worker sessions there are now, by name: all, or those on a queue."""
        request = workers_request(queue)
        while True:
            operations = self.operations()
            page = operations.runtime.submit(operations.call(methods.LIST_WORKERS, request)).result()
            for worker in page.workers:
                yield WorkerInfo.of(worker)
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    def server_info(self) -> ServerInfo:
        """Version, capabilities and limits of the server."""
        operations = self.operations()
        return operations.runtime.submit(operations.server_info()).result()


def blocking_result(waiter: concurrent.futures.Future[PushedJob]) -> PushedJob:
    """Waits for a push; one that is interrupted before it was sent is not sent."""
    try:
        return waiter.result()
    except KeyboardInterrupt:
        waiter.cancel()
        raise
