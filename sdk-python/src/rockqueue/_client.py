"""The async client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, ClassVar, Self, Unpack, overload

from rockqueue import _methods as methods
from rockqueue._batching import Entry
from rockqueue._client_base import ClientBase, OnProgress, chosen_job, ids_of
from rockqueue._durations import Seconds, seconds
from rockqueue._event_models import EventFilter
from rockqueue._events import EventStream, watch_request
from rockqueue._flow_calls import Flows
from rockqueue._middleware import PushHook, around_push, only
from rockqueue._models import BulkResult, Job, JobLogs, PushedJob, ServerInfo
from rockqueue._operating import Backups, WorkerInfo, workers_request
from rockqueue._operations import BulkChange, Durability, JobFilter, build_filter, list_request
from rockqueue._options import JobOptions, NewJob, build_spec
from rockqueue._queue_models import JobExplanation
from rockqueue._queues import Queues
from rockqueue._raw import Raw
from rockqueue._schedules import Schedules
from rockqueue._webhooks import Webhooks
from rockqueue.v1 import job_service_pb2

# `list` is a method of the client.
PushedJobs = list[PushedJob]


class Client(ClientBase):
    """Talks to RockQueue from asyncio code: to a server, or to a store in this process.

        async with Client("embedded:./jobs.db") as client:
            await client.push("mail", "welcome-email", {"to": "ada@example.com"})

    Making one does no I/O; the first call connects. One client serves any number of tasks, on any loop or thread. It
    runs one thread for its I/O. It does not survive a fork: make it in the child.

    Args:
        url: "rockqueue://host:port" (port 7655 unless given), "unix:///path/to.sock" or "embedded:./jobs.db".
            Default: the environment variable ROCKQUEUE_URL, else rockqueue://localhost:7655.
        timeout: Seconds for one call, all its attempts together. Default: 30.
        retry: How failed calls are repeated; None switches it off. Default: `CallRetry()`.
        codec: How payloads and results become bytes. Default: JSON.
        linger: How long a single push waits for others while a batch is under way, in seconds; with none under way it
            waits for nobody. Default: 0; with 256 callers 0.001 made for 0 to 10 % fewer pushes a second.
        durability: How safe a push must be before it is answered: "fsync" survives a power loss, "wal" the end of the
            server process only. Default: "fsync".
        middleware: What stands around every push, and around every handler of this client's workers. Default: none.
    """

    _push_hook: ClassVar[PushHook] = "push"

    @property
    def queues(self) -> Queues:
        """Looking after queues."""
        return Queues(self)

    @property
    def schedules(self) -> Schedules:
        """Jobs that come again and again."""
        return Schedules(self)

    @property
    def flows(self) -> Flows:
        """Jobs that wait for jobs; they are built by `rockqueue.flows`."""
        return Flows(self)

    @property
    def webhooks(self) -> Webhooks:
        """Events as HTTP requests."""
        return Webhooks(self)

    @property
    def backups(self) -> Backups:
        """Copies of the server's store."""
        return Backups(self)

    @property
    def raw(self) -> Raw:
        """The calls of the contract as they are, messages in and messages out."""
        return Raw(self)

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def connect(self) -> None:
        """Starts the client, and opens an embedded store. A server is not contacted: the first call does.

        Raises EmbeddedError.
        """
        runtime = self.operations().runtime
        await runtime.run(runtime.transport())

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Waits for pushes under way, then disconnects. Calls under way fail. Twice is fine."""
        operations = self._begin_closing()
        if operations is not None:
            if operations.has_pushes():
                await operations.runtime.run(operations.flush())
            await operations.runtime.release()

    @overload
    async def push(self, queue: NewJob, /) -> PushedJob: ...
    @overload
    async def push(self, queue: str, name: str, payload: Any = None, **options: Unpack[JobOptions]) -> PushedJob: ...
    async def push(
        self, queue: str | NewJob, name: str = "", payload: Any = None, **options: Unpack[JobOptions]
    ) -> PushedJob:
        """Stores one job and returns when it is on disk. Pushes made at the same time travel together.

        Raises PayloadError, InvalidRequest, UniqueConflict, QueueFull, StorageFull, Overloaded, Unavailable,
        DeadlineExceeded (see `outcome_unknown`).
        """
        queue, name, payload, options = chosen_job(queue, name, payload, options)
        if self.middleware:
            push = around_push(self.middleware, self._push_each)
            if push is not None:
                return only(await push([NewJob(queue, name, payload, **options)]))
        return await self._push_one(queue, name, payload, options)

    async def _push_each(self, jobs: Sequence[NewJob]) -> PushedJobs:
        return await asyncio.gather(*(self._push_one(job.queue, job.name, job.payload, job.options) for job in jobs))

    async def _push_one(self, queue: str, name: str, payload: Any, options: JobOptions) -> PushedJob:
        operations = self.operations()
        spec = build_spec(queue, name, payload, options, self.codec)
        size = spec.ByteSize()
        turn = operations.room.take(size)
        if turn is not None:
            await operations.room.wait(turn, size)
        waiter: asyncio.Future[PushedJob] = asyncio.get_running_loop().create_future()
        operations.batcher().submit(Entry(spec, size, waiter))
        return await waiter

    async def push_many(
        self, jobs: Iterable[NewJob], *, durability: Durability | None = None, timeout: Seconds | None = None
    ) -> PushedJobs:
        """Stores jobs in order and returns when they are on disk.

        Up to the server's limits (1,000 jobs, 4 MiB) all are stored or none. More are cut into several such batches;
        when one of them fails, `error.metadata["pushed"]` says how many jobs were stored before it.
        """
        timeout_s = None if timeout is None else seconds(timeout, "timeout")

        async def push(jobs: Sequence[NewJob]) -> PushedJobs:
            operations = self.operations()
            specs = [build_spec(job.queue, job.name, job.payload, job.options, self.codec) for job in jobs]
            return await operations.runtime.run(operations.push_batch(specs, durability, timeout_s))

        return await (around_push(self.middleware, push) or push)(list(jobs))

    async def get(self, job_id: str) -> Job:
        """One job, payload and result included. Raises JobNotFound."""
        operations = self.operations()
        return await operations.runtime.run(operations.get(job_id))

    async def logs(self, job_id: str) -> JobLogs:
        """What the job's handlers logged. Raises JobNotFound."""
        operations = self.operations()
        return await operations.runtime.run(operations.logs(job_id))

    async def list(
        self,
        *,
        newest_first: bool = False,
        include_payload: bool = False,
        page_size: int = 100,
        **wanted: Unpack[JobFilter],
    ) -> AsyncIterator[Job]:
        """All jobs that match, fetched a page at a time: `async for job in client.list(queue="mail", state="DEAD")`."""
        request = list_request(wanted, newest_first=newest_first, include_payload=include_payload, page_size=page_size)
        while True:
            operations = self.operations()
            jobs, token = await operations.runtime.run(operations.list_page(request))
            for job in jobs:
                yield job
            if not token:
                return
            request.page_token = token

    async def cancel(self, job_id: str) -> None:
        """Cancels a job; one that is ACTIVE is asked to stop. Raises JobNotFound, InvalidState."""
        operations = self.operations()
        await operations.runtime.run(operations.change_one(BulkChange("cancel"), job_id))

    async def cancel_many(self, job_ids: Iterable[str]) -> BulkResult:
        """Cancels jobs; those that could not be are in the result."""
        operations = self.operations()
        return await operations.runtime.run(operations.change(BulkChange("cancel"), ids_of(job_ids)))

    async def cancel_all(
        self,
        *,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        **wanted: Unpack[JobFilter],
    ) -> int:
        """Cancels all unfinished jobs that match and returns how many.

        A dry run only counts. `on_progress` is told how many it were so far, after each step of up to 10,000 jobs.
        """
        return await self._change_all(BulkChange("cancel"), wanted, on_progress, dry_run=dry_run)

    async def retry(self, job_id: str, *, queue: str = "") -> None:
        """Puts a DEAD or CANCELLED job back, into another queue if one is named. Raises JobNotFound, InvalidState."""
        operations = self.operations()
        await operations.runtime.run(operations.change_one(BulkChange("retry", queue), job_id))

    async def retry_many(self, job_ids: Iterable[str], *, queue: str = "") -> BulkResult:
        """Puts jobs back; those that could not be are in the result."""
        operations = self.operations()
        return await operations.runtime.run(operations.change(BulkChange("retry", queue), ids_of(job_ids)))

    async def retry_all(
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
        return await self._change_all(BulkChange("retry", into_queue), wanted, on_progress, dry_run=dry_run)

    async def delete(self, job_id: str) -> None:
        """Removes a job that is not ACTIVE, and all that is known of it. Raises JobNotFound, InvalidState."""
        operations = self.operations()
        await operations.runtime.run(operations.change_one(BulkChange("delete"), job_id))

    async def delete_many(self, job_ids: Iterable[str]) -> BulkResult:
        """Removes jobs; those that could not be are in the result."""
        operations = self.operations()
        return await operations.runtime.run(operations.change(BulkChange("delete"), ids_of(job_ids)))

    async def delete_all(
        self,
        *,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        **wanted: Unpack[JobFilter],
    ) -> int:
        """Removes all jobs that match and are not ACTIVE, and returns how many.

        `dry_run` and `on_progress` are as in `cancel_all`.
        """
        return await self._change_all(BulkChange("delete"), wanted, on_progress, dry_run=dry_run)

    async def _change_all(
        self, change: BulkChange, wanted: JobFilter, on_progress: OnProgress | None, *, dry_run: bool
    ) -> int:
        request, token, affected = build_filter(wanted), "", 0
        while token is not None:
            operations = self.operations()
            step = operations.change_step(change, request, token, dry_run=dry_run)
            count, token = await operations.runtime.run(step)
            affected += count
            if on_progress is not None:
                on_progress(affected)
        return affected

    async def explain(self, job_id: str) -> JobExplanation:
        """Why a job is not running, or that it is. Raises JobNotFound."""
        operations = self.operations()
        request = job_service_pb2.ExplainJobRequest(job_id=job_id)
        return JobExplanation.of(await operations.runtime.run(operations.call(methods.EXPLAIN_JOB, request)))

    async def wait(self, job_id: str, *, timeout: Seconds | None = None) -> Job:
        """Waits until a job is finished. Default: for ever. Raises JobNotFound, DeadlineExceeded."""
        operations = self.operations()
        timeout_s = None if timeout is None else seconds(timeout, "timeout")
        return await operations.runtime.run(operations.wait(job_id, timeout_s))

    async def result(self, job_id: str, *, timeout: Seconds | None = None) -> Any:
        """Waits for a job and returns what its handler returned. Raises JobFailed, JobNotFound, DeadlineExceeded."""
        operations = self.operations()
        timeout_s = None if timeout is None else seconds(timeout, "timeout")
        return await operations.runtime.run(operations.result(job_id, timeout_s))

    def events(
        self,
        *,
        after: str | None = None,
        beginning: bool = False,
        **wanted: Unpack[EventFilter],
    ) -> EventStream:
        """What happens: from now, `after` a cursor, or from the `beginning` of what is kept. See `EventStream`."""
        request = watch_request(wanted, after, beginning=beginning)
        return EventStream(self.operations, request)

    async def workers(self, queue: str = "") -> AsyncIterator[WorkerInfo]:
        """The worker sessions there are now, by name: all, or those on a queue."""
        request = workers_request(queue)
        while True:
            operations = self.operations()
            page = await operations.runtime.run(operations.call(methods.LIST_WORKERS, request))
            for worker in page.workers:
                yield WorkerInfo.of(worker)
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    async def server_info(self) -> ServerInfo:
        """Version, capabilities and limits of the server."""
        operations = self.operations()
        return await operations.runtime.run(operations.server_info())
