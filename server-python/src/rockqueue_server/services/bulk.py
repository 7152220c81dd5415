"""Cancel, retry and delete: by ids in one commit, by filter in many small ones, so that they disturb nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import Problems
from rockqueue_server.engine import dedup, upkeep
from rockqueue_server.engine.commit import Commit
from rockqueue_server.engine.lookup import FINISHED, Found, find
from rockqueue_server.errors import ServiceError, job_not_found
from rockqueue_server.rules.ids import parse_id
from rockqueue_server.services.entries import failure_entries
from rockqueue_server.services.filters import check_filter
from rockqueue_server.services.page_tokens import read_token, stamp_of, write_token
from rockqueue_server.services.walk import Walk

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.services.intake import Intake

STEP = 500
"""So many jobs are changed in one commit."""
STEP_EXAMINED = 1000
"""So many are looked at before others get their turn."""

Request = job_service_pb2.CancelJobsRequest | job_service_pb2.RetryJobsRequest | job_service_pb2.DeleteJobsRequest
Answer = TypeVar(
    "Answer", job_service_pb2.CancelJobsResponse, job_service_pb2.RetryJobsResponse, job_service_pb2.DeleteJobsResponse
)
Act = Callable[[Commit, Found], bool]
Wanted = Callable[[Found], bool]
_RETRYABLE = (job_pb2.JOB_STATE_DEAD, job_pb2.JOB_STATE_CANCELLED)


class Bulk:
    """The three operations; they differ in what they do to one job and in which jobs a filter means."""

    def __init__(self, engine: Engine, intake: Intake) -> None:
        self._engine = engine
        self._intake = intake
        self._running: dict[str, asyncio.Future[None]] = {}

    async def cancel(self, request: job_service_pb2.CancelJobsRequest) -> job_service_pb2.CancelJobsResponse:
        """CancelJobs."""
        engine = self._engine

        def act(commit: Commit, found: Found) -> bool:
            return upkeep.cancel(engine, commit, found)

        def wanted(found: Found) -> bool:
            asked = found.lease is not None and found.lease.cancel_by_us > 0
            return found.state not in FINISHED and not asked

        return await self._run("CancelJobs", request, job_service_pb2.CancelJobsResponse, act, wanted)

    async def retry(self, request: job_service_pb2.RetryJobsRequest) -> job_service_pb2.RetryJobsResponse:
        """RetryJobs."""
        engine = self._engine
        self._intake.check_disk()
        if request.queue:
            problems = Problems()
            problems.queue("queue", request.queue)
            problems.check()

        def act(commit: Commit, found: Found) -> bool:
            upkeep.retry(engine, commit, found, request.queue)
            return True

        return await self._run(
            "RetryJobs", request, job_service_pb2.RetryJobsResponse, act, lambda found: found.state in _RETRYABLE
        )

    async def delete(self, request: job_service_pb2.DeleteJobsRequest) -> job_service_pb2.DeleteJobsResponse:
        """DeleteJobs."""
        engine = self._engine

        def act(commit: Commit, found: Found) -> bool:
            upkeep.delete(engine, commit, found)
            return True

        return await self._run(
            "DeleteJobs",
            request,
            job_service_pb2.DeleteJobsResponse,
            act,
            lambda found: found.state != job_pb2.JOB_STATE_ACTIVE,
        )

    async def _run(self, method: str, request: Request, answer: type[Answer], act: Act, wanted: Wanted) -> Answer:
        self._intake.check_open()
        position = _check(method, request)
        await one_at_a_time(self._running, request.request_id)
        if request.HasField("jobs"):
            return await self._engine.submit(lambda now_us: self._by_ids(now_us, method, request, answer, act))
        walk = Walk(self._engine, request.filter, position, rows=STEP_EXAMINED)
        if request.dry_run:
            return await self._count(method, request, answer, walk, wanted)
        return await guarded(
            self._running, request.request_id, lambda: self._by_filter(method, request, answer, walk, act, wanted)
        )

    def _by_ids(self, now_us: int, method: str, request: Request, answer: type[Answer], act: Act) -> Answer:
        engine = self._engine
        first = dedup.first_answer(engine, method, request.request_id, answer)
        if first is not None:
            return first
        commit = engine.commit(now_us)
        failures: dict[int, ServiceError] = {}
        affected = 0
        done: set[bytes] = set()
        for index, text in enumerate(request.jobs.ids):
            job_id = parse_id(text)
            if job_id in done:
                continue
            try:
                found = find(engine, job_id) if job_id is not None else None
                if found is None:
                    raise job_not_found(text)
                affected += act(commit, found)
                done.add(found.job_id)
            except ServiceError as error:
                failures[index] = error
        result = answer(affected=affected, failures=failure_entries(failures))
        if affected or request.request_id:
            dedup.remember(commit, method, request.request_id, result)
            commit.write()
        return result

    async def _by_filter(
        self, method: str, request: Request, answer: type[Answer], walk: Walk, act: Act, wanted: Wanted
    ) -> Answer:
        engine = self._engine
        first = dedup.first_answer(engine, method, request.request_id, answer)
        if first is not None:
            return first
        affected = 0
        while _goes_on(walk, affected):
            self._intake.check_open()
            most = min(STEP, limits.BULK_JOBS - affected)
            affected += await engine.submit(lambda now_us, most=most: self._step(now_us, walk, act, wanted, most))
        if "bulk_token_skips_step" in engine.defects and not walk.ended:
            for _ in _take(walk, wanted, STEP):
                pass
        result = _answer(method, request, answer, walk, affected)

        def finish(now_us: int) -> Answer:
            if request.request_id:
                commit = engine.commit(now_us)
                dedup.remember(commit, method, request.request_id, result)
                commit.write()
            return result

        return await engine.submit(finish)

    def _step(self, now_us: int, walk: Walk, act: Act, wanted: Wanted, most: int) -> int:
        commit = self._engine.commit(now_us)
        affected = 0
        for found in _take(walk, wanted, most):
            affected += act(commit, found)
        if affected:
            commit.write()
        return affected

    async def _count(self, method: str, request: Request, answer: type[Answer], walk: Walk, wanted: Wanted) -> Answer:
        affected = 0
        while _goes_on(walk, affected):
            affected += sum(1 for _ in _take(walk, wanted, min(STEP, limits.BULK_JOBS - affected)))
            await asyncio.sleep(0)
        await self._engine.settled()
        return _answer(method, request, answer, walk, affected)


def _goes_on(walk: Walk, affected: int) -> bool:
    """Whether a call goes on. What it has looked at bounds it too: else it could take minutes to find nothing."""
    return affected < limits.BULK_JOBS and walk.examined < limits.BULK_EXAMINED and not walk.ended


def _answer(method: str, request: Request, answer: type[Answer], walk: Walk, affected: int) -> Answer:
    result = answer(affected=affected, more=not walk.ended, examined=walk.examined)
    if not walk.ended:
        result.next_page_token = write_token(_stamp(method, request), walk.position)
    return result


def _stamp(method: str, request: Request) -> bytes:
    return stamp_of(method.encode(), request.filter.SerializeToString(deterministic=True))


def _take(walk: Walk, wanted: Wanted, most: int) -> Iterable[Found]:
    """Up to `most` of the jobs that are wanted; the walk goes on behind them."""
    count = 0
    for found in walk:
        if wanted(found):
            yield found
            count += 1
            if count == most:
                return


def _check(method: str, request: Request) -> bytes:
    """Where a call by filter begins."""
    position = b""
    problems = Problems()
    problems.request_id(request.request_id)
    target = request.WhichOneof("target")
    if target is None:
        problems.add("target", "must be set: name jobs, or give a filter")
    elif target == "jobs":
        count = len(request.jobs.ids)
        if count == 0:
            problems.add("jobs.ids", "must name at least one job")
        if count > limits.BATCH_ENTRIES:
            problems.over("jobs.ids", limits.BATCH_ENTRIES, count, "jobs")
        if request.dry_run:
            problems.add("dry_run", "goes with a filter")
        if request.page_token:
            problems.add("page_token", "goes with a filter")
        for index, text in enumerate(request.jobs.ids[: limits.BATCH_ENTRIES]):
            if parse_id(text) is None:
                problems.add(f"jobs.ids[{index}]", "must be a job id: a UUID as text")
    else:
        check_filter(request.filter, "filter", problems)
        position = read_token(request.page_token, _stamp(method, request), problems)
    problems.check()
    return position


async def one_at_a_time(running: dict[str, asyncio.Future[None]], request_id: str) -> None:
    """Waits for a call with the same id that is under way: it will have left its answer."""
    while request_id and (other := running.get(request_id)) is not None:
        await asyncio.shield(other)


T = TypeVar("T")


async def guarded(running: dict[str, asyncio.Future[None]], request_id: str, call: Callable[[], Awaitable[T]]) -> T:
    """Runs a call of several commits, known by its id while it runs."""
    if not request_id:
        return await call()
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    running[request_id] = done
    try:
        return await call()
    finally:
        del running[request_id]
        done.set_result(None)
