"""What a client does, on the I/O loop: the async and the sync face both call it."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict

from rockqueue import _methods as methods
from rockqueue._batching import PushBatcher
from rockqueue._buffer_room import BufferRoom
from rockqueue._durations import seconds, to_duration, to_timestamp
from rockqueue._errors import DeadlineExceeded, RockQueueError
from rockqueue._methods import Method, Request, Response
from rockqueue._models import BulkResult, Job, JobLogs, PushedJob, ServerInfo, completed_result
from rockqueue._payloads import PayloadCodec
from rockqueue._retry import Calling, CallRetry, call_with_retry
from rockqueue._runtime import Runtime
from rockqueue._states import JobState, state_number
from rockqueue._status import from_entry_status
from rockqueue.v1 import job_pb2, job_service_pb2, server_service_pb2

Durability = Literal["fsync", "wal"]

DURABILITIES = {"fsync": job_pb2.DURABILITY_FSYNC, "wal": job_pb2.DURABILITY_WAL}
DEFAULT_LIMITS = server_service_pb2.Limits(
    payload_bytes=1 << 20, batch_entries=1000, batch_bytes=4 << 20, credits=10_000
)
LIMITS_TIMEOUT_S = 5.0
POLL_S = 30.0
# How much longer than the wait at the server an attempt may take.
POLL_SLACK_S = 10.0
# How much longer than the caller's timeout the last answer of a wait may take.
WAIT_SLACK_S = 1.0

_until_full = frozenset({"QUEUE_FULL"})


@dataclass(frozen=True, slots=True)
class Settings:
    """A client's options, checked."""

    timeout_s: float
    linger_s: float
    retry: CallRetry | None
    codec: PayloadCodec
    durability: Durability


class JobFilter(TypedDict, total=False):
    """Which jobs: all that is given must match.

    queue, name: Jobs of this queue, with this name.
    state: Jobs in this state.
    tags: Jobs that have all of these tags.
    created_from, created_before: Jobs created at this moment or later, before this moment.
    group: Jobs of this group.
    flow_id: Jobs of this flow.
    schedule: Jobs that this schedule pushed.
    """

    queue: str
    state: JobState | str
    name: str
    tags: Sequence[str]
    created_from: datetime
    created_before: datetime
    group: str
    flow_id: str
    schedule: str


@dataclass(frozen=True, slots=True)
class BulkChange:
    """One of the calls that change many jobs."""

    kind: Literal["cancel", "retry", "delete"]
    queue: str = ""


class Operations:
    """The calls of one client. All coroutines run on the I/O loop of its runtime."""

    def __init__(self, runtime: Runtime, settings: Settings) -> None:
        self.runtime = runtime
        self.settings = settings
        self.room = BufferRoom()
        self._batcher: PushBatcher | None = None
        self._batcher_lock = threading.Lock()
        self._limits: asyncio.Task[server_service_pb2.Limits] | None = None

    async def call(
        self,
        method: Method[Request, Response],
        request: Request,
        *,
        timeout_s: float | None = None,
        attempt_timeout_s: float | None = None,
        final_reasons: frozenset[str] = frozenset(),
        retry: bool = True,
    ) -> Response:
        """One logical call, with the client's deadline and retries."""
        transport = await self.runtime.transport()
        calling = Calling(
            timeout_s=self.settings.timeout_s if timeout_s is None else timeout_s,
            policy=self.settings.retry if retry else None,
            request_id=getattr(request, "request_id", ""),
            attempt_timeout_s=attempt_timeout_s,
            final_reasons=final_reasons,
        )
        return await call_with_retry(transport.unary, method, request, calling)

    def batcher(self) -> PushBatcher:
        """What gathers single pushes; from any thread."""
        if self._batcher is None:
            with self._batcher_lock:
                if self._batcher is None:
                    self._batcher = PushBatcher(
                        self.runtime.loop(), self._send_batch, self.room, linger_s=self.settings.linger_s
                    )
        return self._batcher

    async def _send_batch(
        self, specs: Sequence[job_pb2.JobSpec], *, wait_while_full: bool
    ) -> Sequence[job_service_pb2.PushedJob]:
        limits = await self.limits()
        self.batcher().max_jobs = min(self.batcher().max_jobs, limits.batch_entries)
        request = job_service_pb2.PushJobsRequest(
            request_id=new_request_id(), jobs=specs, durability=DURABILITIES[self.settings.durability]
        )
        final = frozenset[str]() if wait_while_full else _until_full
        return (await self._push(request, final_reasons=final)).jobs

    async def _push(
        self,
        request: job_service_pb2.PushJobsRequest,
        *,
        timeout_s: float | None = None,
        final_reasons: frozenset[str] = frozenset(),
    ) -> job_service_pb2.PushJobsResponse:
        """One logical push of a batch, with the client's deadline and retries."""
        transport = await self.runtime.transport()
        policy = self.settings.retry
        longest = self.settings.timeout_s if policy is None else seconds(policy.attempt_timeout, "")
        # Less than all of it: the batch that waited longest may have been sent a moment after the stream fell silent.
        patience_s = min(longest, self.settings.timeout_s) / 2
        calling = Calling(
            timeout_s=self.settings.timeout_s if timeout_s is None else timeout_s,
            policy=policy,
            request_id=request.request_id,
            final_reasons=final_reasons,
        )

        async def attempt(
            _: object, batch: job_service_pb2.PushJobsRequest, attempt_s: float
        ) -> job_service_pb2.PushJobsResponse:
            return await transport.push(batch, attempt_s, patience_s)

        return await call_with_retry(attempt, methods.PUSH_JOBS, request, calling)

    def has_pushes(self) -> bool:
        """True when single pushes were made by this client."""
        return self._batcher is not None

    async def flush(self) -> None:
        """Returns when every push has its answer."""
        if self._batcher is not None:
            await self._batcher.finish()

    async def limits(self) -> server_service_pb2.Limits:
        """The server's limits, asked for once; the contract's when the server does not say."""
        if self._limits is None:
            self._limits = asyncio.ensure_future(self._ask_limits())
        task = self._limits
        try:
            return await asyncio.shield(task)
        except RockQueueError:
            if self._limits is task:
                self._limits = None
            return DEFAULT_LIMITS

    async def _ask_limits(self) -> server_service_pb2.Limits:
        request = server_service_pb2.GetServerInfoRequest()
        info = await self.call(methods.GET_SERVER_INFO, request, timeout_s=LIMITS_TIMEOUT_S, retry=False)
        merged = server_service_pb2.Limits()
        merged.CopyFrom(DEFAULT_LIMITS)
        merged.MergeFrom(info.limits)
        return merged

    async def push_batch(
        self, specs: Sequence[job_pb2.JobSpec], durability: Durability | None, timeout_s: float | None
    ) -> list[PushedJob]:
        """Pushes in order, in as few batches as the limits allow; each batch is atomic."""
        limits = await self.limits()
        pushed: list[PushedJob] = []
        for batch in cut_batches(specs, limits.batch_entries, limits.batch_bytes):
            request = job_service_pb2.PushJobsRequest(
                request_id=new_request_id(), jobs=batch, durability=DURABILITIES[durability or self.settings.durability]
            )
            try:
                response = await self._push(request, timeout_s=timeout_s)
            except RockQueueError as error:
                error.add_note(f"{len(pushed)} of {len(specs)} jobs were stored by the batches before this one")
                error.metadata["pushed"] = str(len(pushed))
                raise
            pushed.extend(PushedJob(one.job_id, one.existing, one.replaced) for one in response.jobs)
        return pushed

    async def get(self, job_id: str) -> Job:
        """One job."""
        response = await self.call(methods.GET_JOB, job_service_pb2.GetJobRequest(job_id=job_id))
        return Job.of(response.job, self.settings.codec)

    async def logs(self, job_id: str) -> JobLogs:
        """The log lines of one job."""
        return JobLogs.of(await self.call(methods.GET_JOB_LOGS, job_service_pb2.GetJobLogsRequest(job_id=job_id)))

    async def list_page(self, request: job_service_pb2.ListJobsRequest) -> tuple[list[Job], str]:
        """A page and the token of the next; the token is empty at the end."""
        response = await self.call(methods.LIST_JOBS, request)
        return [Job.of(job, self.settings.codec) for job in response.jobs], response.next_page_token

    async def change(self, change: BulkChange, job_ids: Sequence[str]) -> BulkResult:
        """Changes jobs named one by one."""
        affected = 0
        failures: dict[str, RockQueueError] = {}
        for start in range(0, len(job_ids), DEFAULT_LIMITS.batch_entries):
            ids = job_ids[start : start + DEFAULT_LIMITS.batch_entries]
            result = await self._change(change, job_service_pb2.JobIds(ids=ids), None, dry_run=False)
            affected += result.affected
            failures.update((ids[one.index], from_entry_status(one.status)) for one in result.failures)
        return BulkResult(affected, failures)

    async def change_one(self, change: BulkChange, job_id: str) -> None:
        """Changes one job, or raises why not."""
        result = await self.change(change, [job_id])
        for error in result.failures.values():
            raise error

    async def change_step(
        self, change: BulkChange, wanted: job_service_pb2.JobFilter, token: str, *, dry_run: bool
    ) -> tuple[int, str | None]:
        """Changes up to 10,000 jobs that match: how many, and the token to go on with, or None at the end."""
        result = await self._change(change, None, wanted, token=token, dry_run=dry_run)
        if result.next_page_token:
            return result.affected, result.next_page_token
        # An older server begins anew each time, and finds what is left; a dry run would count the same again.
        return result.affected, "" if result.more and not dry_run else None

    async def _change(
        self,
        change: BulkChange,
        jobs: job_service_pb2.JobIds | None,
        wanted: job_service_pb2.JobFilter | None,
        *,
        token: str = "",
        dry_run: bool,
    ) -> job_service_pb2.CancelJobsResponse | job_service_pb2.RetryJobsResponse | job_service_pb2.DeleteJobsResponse:
        request_id = new_request_id()
        if change.kind == "cancel":
            cancel = job_service_pb2.CancelJobsRequest(
                request_id=request_id, jobs=jobs, filter=wanted, dry_run=dry_run, page_token=token
            )
            return await self.call(methods.CANCEL_JOBS, cancel)
        if change.kind == "delete":
            delete = job_service_pb2.DeleteJobsRequest(
                request_id=request_id, jobs=jobs, filter=wanted, dry_run=dry_run, page_token=token
            )
            return await self.call(methods.DELETE_JOBS, delete)
        retry = job_service_pb2.RetryJobsRequest(
            request_id=request_id, jobs=jobs, filter=wanted, dry_run=dry_run, queue=change.queue, page_token=token
        )
        return await self.call(methods.RETRY_JOBS, retry)

    async def wait(self, job_id: str, timeout_s: float | None) -> Job:
        """Long-polls until the job is finished. Raises DeadlineExceeded when the time is up first."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout_s is None else loop.time() + timeout_s
        while True:
            poll = POLL_S if deadline is None else max(0.0, min(POLL_S, deadline - loop.time()))
            request = job_service_pb2.WaitJobRequest(job_id=job_id, timeout=to_duration(poll))
            state = "unknown"
            try:
                whole = poll + self.settings.timeout_s if deadline is None else deadline - loop.time() + WAIT_SLACK_S
                response = await self.call(
                    methods.WAIT_JOB, request, timeout_s=whole, attempt_timeout_s=poll + POLL_SLACK_S
                )
                if response.finished:
                    return Job.of(response.job, self.settings.codec)
                state = job_pb2.JobState.Name(response.job.state).removeprefix("JOB_STATE_")
            except DeadlineExceeded:
                if deadline is None or loop.time() < deadline:
                    continue
                raise
            if deadline is not None and loop.time() >= deadline:
                raise DeadlineExceeded(f"job {job_id} is not finished after {timeout_s:g} s (state {state})")

    async def result(self, job_id: str, timeout_s: float | None) -> object:
        """The decoded result of a job, once it is COMPLETED; JobFailed when it ends otherwise."""
        return completed_result(await self.wait(job_id, timeout_s))

    async def server_info(self) -> ServerInfo:
        """What the server is and can do."""
        return ServerInfo.of(await self.call(methods.GET_SERVER_INFO, server_service_pb2.GetServerInfoRequest()))


def new_request_id() -> str:
    """An id for one logical call, kept over its retries."""
    return uuid.uuid4().hex


def cut_batches(specs: Sequence[job_pb2.JobSpec], max_entries: int, max_bytes: int) -> list[Sequence[job_pb2.JobSpec]]:
    """Cuts jobs into batches within both limits, in order."""
    batches: list[Sequence[job_pb2.JobSpec]] = []
    start = size = 0
    for index, spec in enumerate(specs):
        weight = spec.ByteSize()
        if index > start and (index - start >= max_entries or size + weight > max_bytes):
            batches.append(specs[start:index])
            start, size = index, 0
        size += weight
    if start < len(specs):
        batches.append(specs[start:])
    return batches


def build_filter(wanted: JobFilter) -> job_service_pb2.JobFilter:
    """The filter as the contract carries it. Raises TypeError for an unknown field, ValueError for a bad state."""
    unknown = wanted.keys() - JobFilter.__annotations__.keys()
    if unknown:
        raise TypeError(f"unknown filter field {min(unknown)!r}; there are: {', '.join(JobFilter.__annotations__)}")
    state = wanted.get("state")
    created_from, created_before = wanted.get("created_from"), wanted.get("created_before")
    return job_service_pb2.JobFilter(
        queue=wanted.get("queue"),
        state=state_number(state) if state else None,
        name=wanted.get("name"),
        tags=wanted.get("tags"),
        created_from=to_timestamp(created_from, "created_from") if created_from else None,
        created_before=to_timestamp(created_before, "created_before") if created_before else None,
        group=wanted.get("group"),
        flow_id=wanted.get("flow_id"),
        schedule=wanted.get("schedule"),
    )


def list_request(
    wanted: JobFilter, *, newest_first: bool, include_payload: bool, page_size: int
) -> job_service_pb2.ListJobsRequest:
    """The first page of a listing."""
    order = job_service_pb2.LIST_ORDER_NEWEST_FIRST if newest_first else job_service_pb2.LIST_ORDER_OLDEST_FIRST
    return job_service_pb2.ListJobsRequest(
        filter=build_filter(wanted), order=order, page_size=page_size, include_payload=include_payload
    )
