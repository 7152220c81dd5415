"""The sync client: the same calls for programs without a loop."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Self, Unpack, overload

from rockqueue._batching import Entry
from rockqueue._client_base import ClientBase, chosen_job, ids_of
from rockqueue._durations import Seconds, seconds
from rockqueue._events import SyncEventStream, watch_request
from rockqueue._middleware import PushHook, around_push_sync, only
from rockqueue._models import BulkResult, EventType, Job, JobLogs, PushedJob, ServerInfo
from rockqueue._operations import BulkChange, Durability, JobFilter, list_request
from rockqueue._options import JobOptions, NewJob, build_spec
from rockqueue._queues import SyncQueues
from rockqueue._raw import SyncRaw

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

    def cancel_all(self, *, dry_run: bool = False, **wanted: Unpack[JobFilter]) -> int:
        """Cancels all unfinished jobs that match and returns how many; a dry run counts, up to 10,000."""
        operations = self.operations()
        return operations.runtime.submit(operations.change_all(BulkChange("cancel"), wanted, dry_run=dry_run)).result()

    def retry(self, job_id: str, *, queue: str = "") -> None:
        """Puts a DEAD or CANCELLED job back, into another queue if one is named. Raises JobNotFound, InvalidState."""
        operations = self.operations()
        operations.runtime.submit(operations.change_one(BulkChange("retry", queue), job_id)).result()

    def retry_many(self, job_ids: Iterable[str], *, queue: str = "") -> BulkResult:
        """Puts jobs back; those that could not be are in the result."""
        operations = self.operations()
        return operations.runtime.submit(operations.change(BulkChange("retry", queue), ids_of(job_ids))).result()

    def retry_all(self, *, into_queue: str = "", dry_run: bool = False, **wanted: Unpack[JobFilter]) -> int:
        """Puts all DEAD and CANCELLED jobs that match back and returns how many; a dry run counts, up to 10,000."""
        operations = self.operations()
        change = BulkChange("retry", into_queue)
        return operations.runtime.submit(operations.change_all(change, wanted, dry_run=dry_run)).result()

    def delete(self, job_id: str) -> None:
        """Removes a job that is not ACTIVE, and all that is known of it. Raises JobNotFound, InvalidState."""
        operations = self.operations()
        operations.runtime.submit(operations.change_one(BulkChange("delete"), job_id)).result()

    def delete_many(self, job_ids: Iterable[str]) -> BulkResult:
        """Removes jobs; those that could not be are in the result."""
        operations = self.operations()
        return operations.runtime.submit(operations.change(BulkChange("delete"), ids_of(job_ids))).result()

    def delete_all(self, *, dry_run: bool = False, **wanted: Unpack[JobFilter]) -> int:
        """Removes all jobs that match and are not ACTIVE, and returns how many; a dry run counts, up to 10,000."""
        operations = self.operations()
        return operations.runtime.submit(operations.change_all(BulkChange("delete"), wanted, dry_run=dry_run)).result()

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
        queues: Sequence[str] = (),
        names: Sequence[str] = (),
        types: Sequence[EventType | str] = (),
        job_ids: Sequence[str] = (),
        after: str | None = None,
        beginning: bool = False,
    ) -> SyncEventStream:
        """What happens: from now, `after` a cursor, or from the `beginning` of what is kept. See `SyncEventStream`."""
        request = watch_request(queues, names, types, job_ids, after, beginning=beginning)
        return SyncEventStream(self.operations, request)

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
