"""QueueService: looks after queues. `rockqueue/v1/queue_service.proto` is the specification."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from typing import TYPE_CHECKING, TypeVar

from rockqueue.v1 import event_service_pb2, job_pb2, job_service_pb2, queue_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import check_retry
from rockqueue_server.contract.problems import Problems, about
from rockqueue_server.contract.rates import check_rate
from rockqueue_server.engine import dedup, upkeep
from rockqueue_server.engine.explain import explain_queue
from rockqueue_server.engine.queue_state import QueueState
from rockqueue_server.errors import queue_not_found
from rockqueue_server.feed.records import NO_JOB
from rockqueue_server.services.bulk import STEP, guarded, one_at_a_time
from rockqueue_server.services.groups import check_update, list_groups, update_group
from rockqueue_server.services.pages import Page
from rockqueue_server.services.walk import Walk

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.services.intake import Intake

_PURGEABLE = (
    job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED, job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_DEAD,
    job_pb2.JOB_STATE_CANCELLED,
)  # fmt: skip
Answer = TypeVar(
    "Answer",
    queue_service_pb2.UpdateQueueResponse,
    queue_service_pb2.PauseQueueResponse,
    queue_service_pb2.ResumeQueueResponse,
)
_COUNTS = ("max_active", "group_max_active", "max_backlog_jobs", "max_backlog_bytes")
_RATES = ("rate", "group_rate")
_RETENTIONS = ("completed_retention", "dead_retention", "cancelled_retention")


class QueueService:
    """The operations on queues."""

    def __init__(self, engine: Engine, intake: Intake) -> None:
        self._engine = engine
        self._intake = intake
        self._running: dict[str, asyncio.Future[None]] = {}

    async def list_queues(self, request: queue_service_pb2.ListQueuesRequest) -> queue_service_pb2.ListQueuesResponse:
        """Lists queues by name."""
        problems = Problems()
        page = Page((b"queues",), request.page_size, request.page_token, problems)
        problems.check()
        queues = self._engine.queues.by_name
        names = sorted(name for name, queue in queues.items() if queue.exists and name.startswith(request.prefix))
        start = bisect_right(names, page.name)
        answer = queue_service_pb2.ListQueuesResponse()
        answer.queues.extend(self._engine.queues.show(queues[name]) for name in names[start : start + page.size])
        if start + page.size < len(names):
            answer.next_page_token = page.token(names[start + page.size - 1].encode())
        await self._engine.settled()
        return answer

    async def get_queue(self, request: queue_service_pb2.GetQueueRequest) -> queue_service_pb2.GetQueueResponse:
        """Returns one queue."""
        answer = queue_service_pb2.GetQueueResponse(queue=self._engine.queues.show(self._existing(request.queue)))
        await self._engine.settled()
        return answer

    async def update_queue(
        self, request: queue_service_pb2.UpdateQueueRequest
    ) -> queue_service_pb2.UpdateQueueResponse:
        """Changes the settings of a queue."""
        self._intake.check_open()
        _check_update(request)

        def update(now_us: int) -> queue_service_pb2.UpdateQueueResponse:
            engine = self._engine
            answer = queue_service_pb2.UpdateQueueResponse
            first = dedup.first_answer(engine, "UpdateQueue", request.request_id, answer)
            if first is not None:
                return first
            queue = engine.queues.expect(request.queue)
            settings = queue_service_pb2.QueueSettings()
            settings.CopyFrom(queue.settings)
            for field, value in request.settings.ListFields():
                settings.ClearField(field.name)  # type: ignore[arg-type]
                settings.MergeFrom(queue_service_pb2.QueueSettings(**{field.name: value}))
            for name in request.reset:
                settings.ClearField(name)  # type: ignore[arg-type]
            return self._save(now_us, queue, "UpdateQueue", request.request_id, answer, settings=settings)

        return await self._engine.submit(update)

    async def pause_queue(self, request: queue_service_pb2.PauseQueueRequest) -> queue_service_pb2.PauseQueueResponse:
        """Stops deliveries from a queue."""
        return await self._set_paused("PauseQueue", request, queue_service_pb2.PauseQueueResponse, paused=True)

    async def resume_queue(
        self, request: queue_service_pb2.ResumeQueueRequest
    ) -> queue_service_pb2.ResumeQueueResponse:
        """Lets deliveries go on."""
        return await self._set_paused("ResumeQueue", request, queue_service_pb2.ResumeQueueResponse, paused=False)

    async def _set_paused(
        self,
        method: str,
        request: queue_service_pb2.PauseQueueRequest | queue_service_pb2.ResumeQueueRequest,
        answer: type[Answer],
        *,
        paused: bool,
    ) -> Answer:
        self._intake.check_open()
        about(request.request_id, "queue", request.queue).check()

        def change(now_us: int) -> Answer:
            engine = self._engine
            first = dedup.first_answer(engine, method, request.request_id, answer)
            if first is not None:
                return first
            queue = self._existing(request.queue)
            if queue.paused == paused:
                unchanged = answer(queue=engine.queues.show(queue))
                if request.request_id:
                    # A repeat must not act later, when the queue is not like this any more.
                    commit = engine.commit(now_us)
                    dedup.remember(commit, method, request.request_id, unchanged)
                    commit.write()
                return unchanged
            return self._save(now_us, queue, method, request.request_id, answer, paused=paused)

        return await self._engine.submit(change)

    async def purge_queue(self, request: queue_service_pb2.PurgeQueueRequest) -> queue_service_pb2.PurgeQueueResponse:
        """Removes jobs of a queue, in bounded steps."""
        self._intake.check_open()
        problems = about(request.request_id, "queue", request.queue)
        for index, state in enumerate(request.states):
            if state not in _PURGEABLE:
                problems.add(f"states[{index}]", "must be WAITING, DELAYED, COMPLETED, DEAD or CANCELLED")
        problems.check()
        await one_at_a_time(self._running, request.request_id)
        return await guarded(self._running, request.request_id, lambda: self._purge(request))

    async def _purge(self, request: queue_service_pb2.PurgeQueueRequest) -> queue_service_pb2.PurgeQueueResponse:
        engine = self._engine
        first = dedup.first_answer(engine, "PurgeQueue", request.request_id, queue_service_pb2.PurgeQueueResponse)
        if first is not None:
            return first
        queue = self._existing(request.queue)
        horizon_us = engine.clock.now_us()
        purged = 0
        for state in sorted(set(request.states)) or [job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED]:
            walk = Walk(engine, job_service_pb2.JobFilter(queue=queue.name, state=state))
            while not walk.ended:
                self._intake.check_open()
                purged += await engine.submit(
                    lambda now_us, walk=walk: self._purge_step(now_us, queue, walk, horizon_us)
                )
        answer = queue_service_pb2.PurgeQueueResponse(purged=purged)

        def finish(now_us: int) -> queue_service_pb2.PurgeQueueResponse:
            if request.request_id:
                commit = engine.commit(now_us)
                dedup.remember(commit, "PurgeQueue", request.request_id, answer)
                commit.write()
            return answer

        return await engine.submit(finish)

    def _purge_step(self, now_us: int, queue: QueueState, walk: Walk, horizon_us: int) -> int:
        engine = self._engine
        commit = engine.commit(now_us)
        purged = 0
        for found in walk:
            if found.head.create_us > horizon_us:
                continue
            upkeep.delete(engine, commit, found, announce=False)
            purged += 1
            if purged == STEP:
                break
        if purged:
            extra = event_service_pb2.Event(purged=purged).SerializeToString()
            commit.event(event_service_pb2.EVENT_TYPE_QUEUE_PURGED, 0, queue.number, 0, "", NO_JOB, extra)
            commit.write()
        return purged

    async def explain_queue(
        self, request: queue_service_pb2.ExplainQueueRequest
    ) -> queue_service_pb2.ExplainQueueResponse:
        """Tells why a queue delivers nothing."""
        queue = self._existing(request.queue)
        answer = queue_service_pb2.ExplainQueueResponse(reasons=explain_queue(self._engine, queue))
        await self._engine.settled()
        return answer

    async def list_groups(self, request: queue_service_pb2.ListGroupsRequest) -> queue_service_pb2.ListGroupsResponse:
        """Lists the groups of a queue by key."""
        answer = list_groups(self._engine, request)
        await self._engine.settled()
        return answer

    async def update_group(
        self, request: queue_service_pb2.UpdateGroupRequest
    ) -> queue_service_pb2.UpdateGroupResponse:
        """Changes the settings of a group."""
        self._intake.check_open()
        check_update(request)
        return await self._engine.submit(lambda now_us: update_group(self._engine, request, now_us))

    def _save(
        self,
        now_us: int,
        queue: QueueState,
        method: str,
        request_id: str,
        answer: type[Answer],
        *,
        settings: queue_service_pb2.QueueSettings | None = None,
        paused: bool | None = None,
    ) -> Answer:
        """Writes the queue with what is new, and answers with it."""
        engine = self._engine
        commit = engine.commit(now_us)
        event = event_service_pb2.EVENT_TYPE_QUEUE_UPDATED
        if paused is not None:
            event = event_service_pb2.EVENT_TYPE_QUEUE_PAUSED if paused else event_service_pb2.EVENT_TYPE_QUEUE_RESUMED
        if not queue.exists:
            queue.create_us = now_us
        engine.queues.save(commit, queue, event, settings=settings, paused=paused)
        shown = engine.queues.show(queue)
        if settings is not None:
            shown.settings.CopyFrom(settings)
        if paused is not None:
            shown.paused = paused
        result = answer(queue=shown)
        dedup.remember(commit, method, request_id, result)
        commit.write()
        return result

    def _existing(self, name: str) -> QueueState:
        about("", "queue", name).check()
        queue = self._engine.queues.get(name)
        if queue is None:
            raise queue_not_found(name)
        return queue


def _check_update(request: queue_service_pb2.UpdateQueueRequest) -> None:
    problems = about(request.request_id, "queue", request.queue)
    settings = request.settings
    problems.resets(request.reset, settings)
    if settings.HasField("default_retry"):
        check_retry(settings.default_retry, "settings.default_retry", problems)
    if settings.HasField("default_lease"):
        problems.duration(
            "settings.default_lease", settings.default_lease, limits.MAX_LEASE_US, least_us=limits.MIN_LEASE_US
        )
    for name in _RETENTIONS:
        if settings.HasField(name):
            problems.duration(f"settings.{name}", getattr(settings, name), limits.MAX_RETENTION_US)
    _check_limits(settings, problems)
    problems.check()


def _check_limits(settings: queue_service_pb2.QueueSettings, problems: Problems) -> None:
    for name in _COUNTS:
        if settings.HasField(name) and getattr(settings, name) < 1:
            problems.add(f"settings.{name}", "must be 1 or more")
    for name in _RATES:
        if settings.HasField(name):
            check_rate(getattr(settings, name), f"settings.{name}", problems)
