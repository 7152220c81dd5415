"""WorkService: takes and settles jobs. `rockqueue/v1/work_service.proto` is the specification."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from rockqueue.v1 import job_service_pb2, work_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.work_request import WorkMessage, read_entry
from rockqueue_server.engine.records import token_parts
from rockqueue_server.engine.settle import Settling
from rockqueue_server.engine.takers import Lease, Pull
from rockqueue_server.errors import lease_lost, overloaded
from rockqueue_server.rules.ids import id_text
from rockqueue_server.services.deliveries import pull_response
from rockqueue_server.services.entries import entry_status
from rockqueue_server.services.session_stream import SessionStream
from rockqueue_server.services.waiting import wait_until
from rockqueue_server.services.workers import list_workers

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.services.intake import Intake

MOST_PULLS = 10_000
Settlement = work_service_pb2.Settlement


class WorkService:
    """Sessions, pulls, settlements and extensions."""

    def __init__(self, engine: Engine, intake: Intake) -> None:
        self._engine = engine
        self._intake = intake
        self._pulls = 0

    def work(
        self, requests: AsyncIterator[work_service_pb2.WorkRequest]
    ) -> AsyncGenerator[work_service_pb2.WorkResponse | bytes]:
        """A worker session. Yields messages, and serialised ones where that is cheaper."""
        return self.work_messages(_Read(requests))

    async def work_messages(
        self, requests: AsyncIterator[WorkMessage]
    ) -> AsyncGenerator[work_service_pb2.WorkResponse | bytes]:
        """The same for requests that were read from bytes."""
        self._intake.check_open()
        stream = SessionStream(self._engine, requests)
        try:
            async for response in stream.responses():
                yield response
        finally:
            await stream.close()

    async def pull_jobs(self, request: work_service_pb2.PullJobsRequest) -> work_service_pb2.PullJobsResponse:
        """Takes up to `max_jobs` jobs, or waits for the first one."""
        self._intake.check_open()
        engine = self._engine
        timeout_us, lease_us = _check_pull(request)
        if self._pulls >= MOST_PULLS:
            raise overloaded(f"{MOST_PULLS} pulls wait already: try again")
        queues = engine.queues.hold(request.queues)
        pull = Pull(queues, request.worker, lease_us, request.max_jobs or 1)
        self._pulls += 1
        try:
            pull.feed_me()
            engine.dispatcher.dirty.update(dict.fromkeys(queues))
            engine.schedule()
            if timeout_us:
                await wait_until(engine, pull.done, engine.clock.now_us() + timeout_us)
            else:
                await engine.submit(lambda _: None, durable=False)
                await engine.submit(lambda _: None, durable=False)
            pull.enough()
            return pull_response(pull.taken)
        except BaseException:
            pull.enough()
            self._give_back(pull)
            raise
        finally:
            self._pulls -= 1
            engine.queues.let_go(queues)

    def _give_back(self, pull: Pull) -> None:
        """The caller went away before its answer: what it took is released."""
        if pull.taken:
            leases = [granted.lease for granted in pull.taken]
            self._engine.submit(lambda now_us: self._engine.sessions.release(leases, now_us)).add_done_callback(
                lambda future: future.cancelled() or future.exception()
            )

    async def settle_jobs(self, request: work_service_pb2.SettleJobsRequest) -> work_service_pb2.SettleJobsResponse:
        """Settles leases, each entry for itself."""
        check_settlements(len(request.settlements), request.ByteSize())
        settlements = [read_entry(one.SerializeToString()) for one in request.settlements]
        failures = await self._engine.submit(lambda now_us: Settling(self._engine, now_us).run(settlements))
        answer = work_service_pb2.SettleJobsResponse()
        for index in range(len(settlements)):
            status = answer.results.add()
            if index in failures:
                status.CopyFrom(entry_status(failures[index]))
        return answer

    async def extend_leases(
        self, request: work_service_pb2.ExtendLeasesRequest
    ) -> work_service_pb2.ExtendLeasesResponse:
        """Starts the clocks of leases anew."""
        problems = Problems()
        count = len(request.lease_tokens)
        if count == 0:
            problems.add("lease_tokens", "must name at least one lease")
        if count > limits.BATCH_ENTRIES:
            problems.over("lease_tokens", limits.BATCH_ENTRIES, count, "leases")
        if len(request.reports) > limits.REPORTS:
            problems.over("reports", limits.REPORTS, len(request.reports), "reports")
        lease_us: int | None = None
        if request.HasField("lease"):
            lease_us = problems.duration("lease", request.lease, limits.MAX_LEASE_US, least_us=limits.MIN_LEASE_US)
        problems.check()
        return await self._engine.submit(lambda now_us: self._extend(now_us, request, lease_us))

    async def list_workers(self, request: work_service_pb2.ListWorkersRequest) -> work_service_pb2.ListWorkersResponse:
        """Lists worker sessions."""
        return list_workers(self._engine, request)

    def _extend(
        self, now_us: int, request: work_service_pb2.ExtendLeasesRequest, lease_us: int | None
    ) -> work_service_pb2.ExtendLeasesResponse:
        engine = self._engine
        answer = work_service_pb2.ExtendLeasesResponse()
        for token in request.lease_tokens:
            lease = engine.leases.by_token(token)
            if lease is None:
                answer.leases.add(status=entry_status(lease_lost(_job_of(token))))
                continue
            if "extend_ignored" not in engine.defects:
                _extend(lease, now_us, lease_us)
            if lease.session is None:
                engine.leases.expire_at(lease)
            else:
                engine.sessions.look_by(lease.session, lease.deadline_us)
            answer.leases.add(status=job_service_pb2.EntryStatus(), cancel_requested=lease.cancel_by_us > 0)
        for report in request.reports:
            lease = engine.leases.by_token(report.lease_token)
            if lease is not None:
                engine.notes.report(lease, report, now_us)
        return answer


class _Read(AsyncIterator[WorkMessage]):
    """Requests that come as messages."""

    def __init__(self, requests: AsyncIterator[work_service_pb2.WorkRequest]) -> None:
        self._requests = requests

    async def __anext__(self) -> WorkMessage:
        return WorkMessage.of(await anext(self._requests))


def _job_of(token: bytes) -> str:
    parts = token_parts(token)
    return id_text(parts[0]) if parts is not None else ""


def _extend(lease: Lease, now_us: int, lease_us: int | None) -> None:
    """Another duration holds until the next extension, in memory: that and a restart give the one of the delivery."""
    given_us = lease.given_us or lease.lease_us
    lease.lease_us = given_us if lease_us is None else lease_us
    lease.given_us = given_us
    lease.deadline_us = now_us + lease.lease_us


def check_settlements(count: int, size_bytes: int) -> None:
    """Raises for a batch of settlements that is empty or over the limits."""
    problems = Problems()
    if count == 0:
        problems.add("settlements", "must hold at least one settlement")
    if count > limits.BATCH_ENTRIES:
        problems.over("settlements", limits.BATCH_ENTRIES, count, "settlements")
    elif size_bytes > limits.BATCH_BYTES + 16 * count:
        problems.over("settlements", limits.BATCH_BYTES, size_bytes, "bytes")
    problems.check()


def _check_pull(request: work_service_pb2.PullJobsRequest) -> tuple[int, int | None]:
    """Timeout and lease of a pull, in microseconds."""
    problems = Problems()
    problems.queues("queues", list(request.queues))
    problems.text("worker", request.worker, limits.WORKER_CHARS)
    if request.max_jobs < 0:
        problems.add("max_jobs", "must be 0 or more")
    if request.max_jobs > limits.BATCH_ENTRIES:
        problems.over("max_jobs", limits.BATCH_ENTRIES, request.max_jobs, "jobs")
    timeout_us = limits.DEFAULT_POLL_US
    if request.HasField("timeout"):
        timeout_us = problems.duration("timeout", request.timeout, limits.MAX_POLL_US)
    lease_us: int | None = None
    if request.HasField("lease"):
        lease_us = problems.duration("lease", request.lease, limits.MAX_LEASE_US, least_us=limits.MIN_LEASE_US)
    problems.check()
    return timeout_us, lease_us
