"""The async client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, ClassVar, Self, Unpack, overload

from rockqueue._batching import Entry
from rockqueue._client_base import ClientBase, chosen_job, ids_of
from rockqueue._durations import Seconds, seconds
from rockqueue._events import EventStream, watch_request
from rockqueue._middleware import PushHook, around_push, only
from rockqueue._models import BulkResult, EventType, Job, JobLogs, PushedJob, ServerInfo
from rockqueue._operations import BulkChange, Durability, JobFilter, list_request
from rockqueue._options import JobOptions, NewJob, build_spec
from rockqueue._queues import Queues
from rockqueue._raw import Raw

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

    async def cancel_all(self, *, dry_run: bool = False, **wanted: Unpack[JobFilter]) -> int:
        """Cancels all unfinished jobs that match and returns how many; a dry run counts, up to 10,000."""
        operations = self.operations()
        return await operations.runtime.run(operations.change_all(BulkChange("cancel"), wanted, dry_run=dry_run))

    async def retry(self, job_id: str, *, queue: str = "") -> None:
        """Puts a DEAD or CANCELLED job back, into another queue if one is named. Raises JobNotFound, InvalidState."""
        operations = self.operations()
        await operations.runtime.run(operations.change_one(BulkChange("retry", queue), job_id))

    async def retry_many(self, job_ids: Iterable[str], *, queue: str = "") -> BulkResult:
        """Puts jobs back; those that could not be are in the result."""
        operations = self.operations()
        return await operations.runtime.run(operations.change(BulkChange("retry", queue), ids_of(job_ids)))

    async def retry_all(self, *, into_queue: str = "", dry_run: bool = False, **wanted: Unpack[JobFilter]) -> int:
        """Puts all DEAD and CANCELLED jobs that match back and returns how many; a dry run counts, up to 10,000."""
        operations = self.operations()
        change = BulkChange("retry", into_queue)
        return await operations.runtime.run(operations.change_all(change, wanted, dry_run=dry_run))

    async def delete(self, job_id: str) -> None:
        """Removes a job that is not ACTIVE, and all that is known of it. Raises JobNotFound, InvalidState."""
        operations = self.operations()
        await operations.runtime.run(operations.change_one(BulkChange("delete"), job_id))

    async def delete_many(self, job_ids: Iterable[str]) -> BulkResult:
        """Removes jobs; those that could not be are in the result."""
        operations = self.operations()
        return await operations.runtime.run(operations.change(BulkChange("delete"), ids_of(job_ids)))

    async def delete_all(self, *, dry_run: bool = False, **wanted: Unpack[JobFilter]) -> int:
        """Removes all jobs that match and are not ACTIVE, and returns how many; a dry run counts, up to 10,000."""
        operations = self.operations()
        return await operations.runtime.run(operations.change_all(BulkChange("delete"), wanted, dry_run=dry_run))

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
        queues: Sequence[str] = (),
        names: Sequence[str] = (),
        types: Sequence[EventType | str] = (),
        job_ids: Sequence[str] = (),
        after: str | None = None,
        beginning: bool = False,
    ) -> EventStream:
        """What happens: from now, `after` a cursor, or from the `beginning` of what is kept. See `EventStream`."""
        request = watch_request(queues, names, types, job_ids, after, beginning=beginning)
        return EventStream(self.operations, request)

    async def server_info(self) -> ServerInfo:
        """Version, capabilities and limits of the server."""
        operations = self.operations()
        return await operations.runtime.run(operations.server_info())
