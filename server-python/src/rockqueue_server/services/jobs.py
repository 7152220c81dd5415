"""JobService: produces jobs and looks after them. `rockqueue/v1/job_service.proto` is the specification."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import UNIQUE, Admitted, admit
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.push_request import PushRequest, learn
from rockqueue_server.contract.push_stream_request import PushMessage
from rockqueue_server.engine import dedup, push
from rockqueue_server.engine.explain import explain_job
from rockqueue_server.engine.lookup import FINISHED, find, show
from rockqueue_server.engine.waiters import MOST as MOST_WAITERS
from rockqueue_server.errors import invalid_field, job_not_found, overloaded
from rockqueue_server.rules.ids import id_text, parse_id
from rockqueue_server.services.bulk import Bulk
from rockqueue_server.services.listing import list_jobs
from rockqueue_server.services.push_stream import PushStream
from rockqueue_server.services.waiting import wait_until

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.services.intake import Intake

_NEW_JOB = "\x0a\x26\x0a\x24"
"""Field 1 of PushJobsResponse, 38 bytes, in which field 1 of PushedJob, 36 bytes: the id follows."""
_DURABILITY = 0x10
"""Field 2 of PushJobsResponse."""
_FSYNC, _WAL = job_pb2.DURABILITY_FSYNC, job_pb2.DURABILITY_WAL


class JobService:
    """The operations on jobs."""

    def __init__(self, engine: Engine, intake: Intake) -> None:
        self._engine = engine
        self._intake = intake
        self._bulk = Bulk(engine, intake)

    async def push_jobs(self, request: job_service_pb2.PushJobsRequest) -> job_service_pb2.PushJobsResponse:
        """Stores a batch of jobs, all or none."""
        answer = await self.push_batch(PushRequest.parse(request.SerializeToString()))
        return job_service_pb2.PushJobsResponse.FromString(answer)

    async def push_batch(self, request: PushRequest) -> bytes:
        """The same, from bytes to bytes."""
        return await self._begin_push(request)

    async def stream_pushes(
        self, requests: AsyncIterator[job_service_pb2.StreamPushesRequest]
    ) -> AsyncGenerator[job_service_pb2.StreamPushesResponse]:
        """Stores many batches, each answered for itself."""
        async for response in self.push_batches(_Read(requests)):
            yield job_service_pb2.StreamPushesResponse.FromString(response)

    def push_batches(self, requests: AsyncIterator[PushMessage]) -> AsyncGenerator[bytes]:
        """The same, from bytes to bytes."""
        self._intake.check_open()
        return PushStream(self._engine, requests, self._begin_push).responses()

    def _begin_push(self, request: PushRequest) -> asyncio.Future[bytes]:
        """Takes a batch in. Raises what it is refused for before the engine has looked at it."""
        engine = self._engine
        began = time.perf_counter()
        size = _check_batch(request)
        durable = (request.durability if request.runs else request.message.durability) != _WAL
        self._intake.admit(size)
        if "ack_before_write" in engine.defects:
            answer = self._answer_too_early(request.message)
        else:
            push_ = self._push_runs if request.runs and not engine.defects else self._push
            answer = engine.submit(lambda now_us: push_(now_us, request), durable=durable)

        def answered(future: asyncio.Future[bytes]) -> None:
            self._intake.release(size)
            if not future.cancelled() and future.exception() is None:
                engine.stats.push_s.observe(time.perf_counter() - began)

        answer.add_done_callback(answered)
        return answer

    def _push_runs(self, now_us: int, request: PushRequest) -> bytes:
        """Jobs that were read from their bytes."""
        engine = self._engine
        first = dedup.first_bytes(engine, "PushJobs", request.request_id)
        if first is not None:
            return first
        commit = engine.commit(now_us)
        ids, texts = engine.ids.take_with_texts(now_us, request.count)
        push.store_runs(engine, commit, request.runs, ids)
        push.check_room(commit)
        answer = _answer_new(texts, _WAL if request.durability == _WAL else _FSYNC)
        dedup.remember_bytes(commit, "PushJobs", request.request_id, answer)
        commit.write()
        return answer

    def _push(self, now_us: int, batch: PushRequest) -> bytes:
        """Jobs that need the whole check."""
        engine, request = self._engine, batch.message
        request_id = request.request_id
        first = dedup.first_bytes(engine, "PushJobs", request_id)
        if first is not None:
            return first
        specs = list(request.jobs)
        problems = Problems()
        jobs = _admit_all(specs, now_us, problems)
        problems.check()
        commit = engine.commit(now_us)
        if any(job.flags & UNIQUE for job in jobs):
            push.check_conflicts(engine, commit, jobs, specs)
        if "batch_not_atomic" in engine.defects and len(jobs) > 1:
            half = engine.commit(now_us)
            push.store(engine, half, jobs[:1], specs[:1])
            half.write()
            engine.fail(RuntimeError("defect: stopped between two halves of a batch"))
        stored = push.store(engine, commit, jobs, specs)
        push.check_room(commit)
        answer = _answer(stored)
        answer.durability = _WAL if request.durability == _WAL else _FSYNC
        data = answer.SerializeToString()
        dedup.remember_bytes(commit, "PushJobs", request_id, data)
        commit.write()
        for job in jobs:
            learn(job)
        return data

    def _answer_too_early(self, request: job_service_pb2.PushJobsRequest) -> asyncio.Future[bytes]:
        """A seeded defect: answers with ids, and writes nothing until the next call."""
        ids = self._engine.ids.take(self._engine.clock.now_us(), len(request.jobs))
        answer = job_service_pb2.PushJobsResponse(durability=_FSYNC)
        for job_id in ids:
            answer.jobs.add(job_id=id_text(job_id))
        late = PushRequest(request.SerializeToString())
        self._engine.alarms.set(self._engine.clock.now_us() + 1_000_000, lambda: self._push_late(late))
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        future.set_result(answer.SerializeToString())
        return future

    def _push_late(self, request: PushRequest) -> None:
        self._push(self._engine.clock.now_us(), request)

    async def get_job(self, request: job_service_pb2.GetJobRequest) -> job_service_pb2.GetJobResponse:
        """Returns one job."""
        job_id = job_id_of(request.job_id)
        found = find(self._engine, job_id)
        if found is None:
            raise job_not_found(request.job_id)
        answer = job_service_pb2.GetJobResponse(job=show(self._engine, found))
        await self._engine.settled()
        return answer

    async def get_job_logs(self, request: job_service_pb2.GetJobLogsRequest) -> job_service_pb2.GetJobLogsResponse:
        """Returns the log lines of one job."""
        job_id = job_id_of(request.job_id)
        if self._engine.columns.job.get(job_id) is None:
            raise job_not_found(request.job_id)
        answer = self._engine.notes.logs(job_id)
        await self._engine.settled()
        return answer

    async def list_jobs(self, request: job_service_pb2.ListJobsRequest) -> job_service_pb2.ListJobsResponse:
        """Lists jobs by filter."""
        answer = list_jobs(self._engine, request)
        await self._engine.settled()
        return answer

    async def cancel_jobs(self, request: job_service_pb2.CancelJobsRequest) -> job_service_pb2.CancelJobsResponse:
        """Cancels jobs."""
        return await self._bulk.cancel(request)

    async def retry_jobs(self, request: job_service_pb2.RetryJobsRequest) -> job_service_pb2.RetryJobsResponse:
        """Puts DEAD or CANCELLED jobs back to WAITING."""
        return await self._bulk.retry(request)

    async def delete_jobs(self, request: job_service_pb2.DeleteJobsRequest) -> job_service_pb2.DeleteJobsResponse:
        """Removes jobs."""
        return await self._bulk.delete(request)

    async def wait_job(self, request: job_service_pb2.WaitJobRequest) -> job_service_pb2.WaitJobResponse:
        """Waits until a job is finished."""
        engine = self._engine
        job_id = job_id_of(request.job_id)
        problems = Problems()
        timeout_us = limits.DEFAULT_POLL_US
        if request.HasField("timeout"):
            timeout_us = problems.duration("timeout", request.timeout, limits.MAX_POLL_US)
        problems.check()
        found = find(engine, job_id)
        if found is None:
            raise job_not_found(request.job_id)
        kept: job_pb2.Job | None = None
        if found.state not in FINISHED and timeout_us:
            if engine.waiters.count >= MOST_WAITERS:
                raise overloaded(f"{MOST_WAITERS} callers wait for jobs already: try again")
            waiting = engine.waiters.add(job_id)
            try:
                if await wait_until(engine, waiting, engine.clock.now_us() + timeout_us):
                    kept = waiting.result()
            finally:
                engine.waiters.remove(job_id, waiting)
        await engine.settled()
        if kept is not None:
            return job_service_pb2.WaitJobResponse(job=kept, finished=True)
        found = find(engine, job_id)
        if found is None:
            raise job_not_found(request.job_id)
        return job_service_pb2.WaitJobResponse(job=show(engine, found), finished=found.state in FINISHED)

    async def explain_job(self, request: job_service_pb2.ExplainJobRequest) -> job_service_pb2.ExplainJobResponse:
        """Tells why a job is not running."""
        found = find(self._engine, job_id_of(request.job_id))
        if found is None:
            raise job_not_found(request.job_id)
        reasons = explain_job(self._engine, found)
        answer = job_service_pb2.ExplainJobResponse(state=found.state, reasons=reasons)  # type: ignore[arg-type]
        await self._engine.settled()
        return answer


class _Read(AsyncIterator[PushMessage]):
    """Batches that come as messages."""

    def __init__(self, requests: AsyncIterator[job_service_pb2.StreamPushesRequest]) -> None:
        self._requests = requests

    async def __anext__(self) -> PushMessage:
        return PushMessage.of(await anext(self._requests))


def job_id_of(text: str) -> bytes:
    """The id of a request, or INVALID_FIELD."""
    job_id = parse_id(text)
    if job_id is None:
        problems = Problems()
        problems.add("job_id", "must be a job id: a UUID as text")
        problems.check()
        raise invalid_field()  # unreachable; `check` has raised
    return job_id


def _answer(stored: list[tuple[bytes, bool, bool]]) -> job_service_pb2.PushJobsResponse:
    """The answer to a push of any jobs."""
    answer = job_service_pb2.PushJobsResponse()
    for job_id, existing, replaced in stored:
        answer.jobs.add(job_id=id_text(job_id), existing=existing, replaced=replaced)
    return answer


def _answer_new(texts: list[str], durability: int) -> bytes:
    """The serialised answer to a push of jobs that are all new."""
    return (_NEW_JOB + _NEW_JOB.join(texts)).encode() + bytes((_DURABILITY, durability))


def _check_batch(batch: PushRequest) -> int:
    """The bytes of a batch whose size is right; counts before it looks at any entry."""
    problems = Problems()
    if batch.runs:
        # Counted, and its enum known, when it was read.
        problems.request_id(batch.request_id)
        problems.check()
        size = len(batch.raw)
        if size > limits.BATCH_BYTES:
            entries = sum(len(spec) for run in batch.runs for spec in run.specs)
            _check_bytes(entries, problems)
        return size
    request = batch.message
    problems.request_id(request.request_id)
    problems.known_enum("durability", request.durability, job_pb2.Durability)
    count = len(request.jobs)
    if count == 0:
        problems.add("jobs", "must hold at least one job")
    if count > limits.BATCH_ENTRIES:
        problems.over("jobs", limits.BATCH_ENTRIES, count, "jobs")
    problems.check()
    size = request.ByteSize()
    if size > limits.BATCH_BYTES:
        _check_bytes(sum(spec.ByteSize() for spec in request.jobs), problems)
    return size


def _check_bytes(entries: int, problems: Problems) -> None:
    if entries > limits.BATCH_BYTES:
        problems.over("jobs", limits.BATCH_BYTES, entries, "bytes")
        problems.check()


def _admit_all(specs: list[job_pb2.JobSpec], now_us: int, problems: Problems) -> list[Admitted]:
    jobs: list[Admitted] = []
    for index, spec in enumerate(specs):
        jobs.append(admit(spec, "jobs", index, now_us, problems))
        if problems.full:
            break
    return jobs
