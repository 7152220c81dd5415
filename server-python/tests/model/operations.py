"""The calls of the contract: how each is made, what is compared of its answer, and what it does to the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from model.model import Model
from model.terms import STATES, Delivery, Outcome, Spec
from model.wire import Shown, of_delivery, of_queue, show_queue, to_settings, to_settlement, to_spec, to_state

from rockqueue.v1 import job_pb2, job_service_pb2, queue_service_pb2, work_service_pb2
from rockqueue_server.contract.times import duration
from rockqueue_server.core import Core

Ids = Iterator[str]
PULLER = "puller"


class Operation:
    """A call. `request_id` is for those that are remembered."""

    request_id: str = ""

    @property
    def method(self) -> str:
        """The name of the call."""
        return type(self).__name__

    @property
    def waits_for_the_disk(self) -> bool:
        """An answer promises that nothing of this, and of what came before, is lost by a power cut."""
        return True

    async def call(self, core: Core) -> Any:
        """Makes the call; returns what is compared. Raises ServiceError."""
        raise NotImplementedError

    def apply(self, model: Model, ids: Ids) -> Any:
        """What the call does to the model, and what it should answer; `ids` are those of the jobs that it stores.

        Raises Refused.
        """
        raise NotImplementedError


@dataclass
class Push(Operation):
    """PushJobs."""

    specs: list[Spec]
    request_id: str = ""
    fsync: bool = True

    async def call(self, core: Core) -> tuple[str, list[tuple[str, bool, bool]]]:
        request = job_service_pb2.PushJobsRequest(
            request_id=self.request_id, jobs=[to_spec(spec) for spec in self.specs], durability=self._durability
        )
        answer = await core.jobs.push_jobs(request)
        entries = [(job.job_id, job.existing, job.replaced) for job in answer.jobs]
        return job_pb2.Durability.Name(answer.durability), entries

    def apply(self, model: Model, ids: Ids) -> tuple[str, list[tuple[str, bool, bool]]]:
        return self._durability, model.push(self.specs, ids)

    @property
    def waits_for_the_disk(self) -> bool:
        return self.fsync

    @property
    def _durability(self) -> Literal["DURABILITY_FSYNC", "DURABILITY_WAL"]:
        return "DURABILITY_FSYNC" if self.fsync else "DURABILITY_WAL"


@dataclass
class Pull(Operation):
    """PullJobs, from one queue, for what is there. Which jobs that is, the model judges when it is told of them."""

    queue: str
    most: int
    lease_us: int

    async def call(self, core: Core) -> list[Delivery]:
        request = work_service_pb2.PullJobsRequest(
            queues=[self.queue], worker=PULLER, max_jobs=self.most, timeout=duration(0)
        )
        if self.lease_us:
            request.lease.CopyFrom(duration(self.lease_us))
        return [of_delivery(delivery) for delivery in (await core.work.pull_jobs(request)).deliveries]

    @property
    def waits_for_the_disk(self) -> bool:
        return False

    def take(self, model: Model, given: list[Delivery]) -> None:
        """Tells the model what was given."""
        room = model.room(self.queue)
        crowded = any(session.credits and self.queue in session.queues for session in model.sessions.values())
        assert len(given) == min(self.most, room) or (crowded and (given or not room)), (
            f"{len(given)} jobs of {room} were given, {self.most} were asked for"
        )
        model.deliver(given, PULLER, self.lease_us)


@dataclass
class Settle(Operation):
    """SettleJobs."""

    entries: list[tuple[bytes, Outcome]]

    async def call(self, core: Core) -> list[str]:
        settlements = [to_settlement(*entry) for entry in self.entries]
        answer = await core.work.settle_jobs(work_service_pb2.SettleJobsRequest(settlements=settlements))
        return [result.reason for result in answer.results]

    def apply(self, model: Model, ids: Ids) -> list[str]:
        return model.settle(self.entries, ids)


@dataclass
class Extend(Operation):
    """ExtendLeases."""

    tokens: list[bytes]
    lease_us: int

    async def call(self, core: Core) -> list[tuple[str, bool]]:
        request = work_service_pb2.ExtendLeasesRequest(lease_tokens=self.tokens)
        if self.lease_us:
            request.lease.CopyFrom(duration(self.lease_us))
        answer = await core.work.extend_leases(request)
        return [(lease.status.reason, lease.cancel_requested) for lease in answer.leases]

    def apply(self, model: Model, ids: Ids) -> list[tuple[str, bool]]:
        del ids
        return model.extend(self.tokens, self.lease_us)


@dataclass
class Bulk(Operation):
    """CancelJobs, RetryJobs (into `queue`) or DeleteJobs: of `ids`, or of all that match a queue and a state."""

    kind: str
    ids: list[str] | None
    of_queue: str = ""
    of_state: str = ""
    queue: str = ""
    request_id: str = ""

    @property
    def method(self) -> str:
        return self.kind

    async def call(self, core: Core) -> tuple[int, list[tuple[int, str]]]:
        target: dict[str, Any] = {"request_id": self.request_id}
        if self.ids is not None:
            target["jobs"] = job_service_pb2.JobIds(ids=self.ids)
        else:
            state = to_state(self.of_state) if self.of_state else job_pb2.JOB_STATE_UNSPECIFIED
            target["filter"] = job_service_pb2.JobFilter(queue=self.of_queue, state=state)
        if self.kind == "cancel":
            answer = await core.jobs.cancel_jobs(job_service_pb2.CancelJobsRequest(**target))
        elif self.kind == "retry":
            answer = await core.jobs.retry_jobs(job_service_pb2.RetryJobsRequest(queue=self.queue, **target))
        else:
            answer = await core.jobs.delete_jobs(job_service_pb2.DeleteJobsRequest(**target))
        assert not answer.more
        return answer.affected, [(failure.index, failure.status.reason) for failure in answer.failures]

    def apply(self, model: Model, ids: Ids) -> tuple[int, list[tuple[int, str]]]:
        del ids
        if self.ids is not None:
            return self._act(model, self.ids)
        matching = model.matching(self.of_queue, (self.of_state,) if self.of_state else STATES)
        affected, failures = self._act(model, matching)
        # A filter means those that the call can be done to.
        assert all(reason == "INVALID_STATE" for _, reason in failures)
        return affected, []

    def _act(self, model: Model, ids: list[str]) -> tuple[int, list[tuple[int, str]]]:
        if self.kind == "retry":
            return model.retry(ids, self.queue)
        return model.cancel(ids) if self.kind == "cancel" else model.delete(ids)


@dataclass
class Purge(Operation):
    """PurgeQueue."""

    queue: str
    states: list[str]
    request_id: str = ""

    async def call(self, core: Core) -> int:
        request = queue_service_pb2.PurgeQueueRequest(
            request_id=self.request_id, queue=self.queue, states=[to_state(state) for state in self.states]
        )
        return (await core.queues.purge_queue(request)).purged

    def apply(self, model: Model, ids: Ids) -> int:
        del ids
        return model.purge(self.queue, self.states)


@dataclass
class Pause(Operation):
    """PauseQueue, or ResumeQueue."""

    queue: str
    paused: bool
    request_id: str = ""

    @property
    def method(self) -> str:
        return "Pause" if self.paused else "Resume"

    async def call(self, core: Core) -> Shown:
        if self.paused:
            pause = queue_service_pb2.PauseQueueRequest(request_id=self.request_id, queue=self.queue)
            return of_queue((await core.queues.pause_queue(pause)).queue)
        resume = queue_service_pb2.ResumeQueueRequest(request_id=self.request_id, queue=self.queue)
        return of_queue((await core.queues.resume_queue(resume)).queue)

    def apply(self, model: Model, ids: Ids) -> Shown:
        del ids
        model.pause(self.queue, paused=self.paused)
        return show_queue(model, self.queue)


@dataclass
class Update(Operation):
    """UpdateQueue."""

    queue: str
    settings: dict[str, int] = field(default_factory=dict[str, int])
    reset: list[str] = field(default_factory=list[str])
    request_id: str = ""

    async def call(self, core: Core) -> Shown:
        request = queue_service_pb2.UpdateQueueRequest(
            request_id=self.request_id, queue=self.queue, settings=to_settings(self.settings), reset=self.reset
        )
        return of_queue((await core.queues.update_queue(request)).queue)

    def apply(self, model: Model, ids: Ids) -> Shown:
        del ids
        model.update(self.queue, self.settings, self.reset)
        return show_queue(model, self.queue)
