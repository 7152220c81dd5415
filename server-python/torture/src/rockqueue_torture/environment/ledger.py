"""What one client was told, kept to be held against what the server has afterwards."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration

from rockqueue.v1 import (
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    queue_service_pb2,
    queue_service_pb2_grpc,
    work_service_pb2,
    work_service_pb2_grpc,
)
from rockqueue_torture.history import Outcome
from rockqueue_torture.outcome import outcome_of

CALL_WITHIN_S = 30.0
MOST_PAGES = 10_000
_CHANNEL_OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.min_reconnect_backoff_ms", 20),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 16 << 20),
)


@dataclass(frozen=True, slots=True)
class Told:
    """How a call ended: its outcome, and the reason of what was not ok."""

    outcome: Outcome
    reason: str = ""


class Ledger:
    """Pushes and works by plain calls, and remembers every answer. Use `ledger`, which opens and closes it."""

    def __init__(self, channel: grpc.aio.Channel, chance: random.Random, queue: str, call_within_s: float) -> None:
        self.queue = queue
        self._call_within_s = call_within_s
        self.acknowledged: dict[str, bytes] = {}
        """Payloads by id of the jobs whose push was answered."""
        self.unknown: dict[str, job_service_pb2.PushJobsRequest] = {}
        """Pushes without an answer, by request id."""
        self.completed: set[str] = set()
        """Jobs whose completion was answered."""
        self.doubtful: set[str] = set()
        """Jobs whose completion was sent and not answered."""
        self.told: Counter[str] = Counter()
        self.jobs = job_service_pb2_grpc.JobServiceStub(channel)
        self.work = work_service_pb2_grpc.WorkServiceStub(channel)
        self._queues = queue_service_pb2_grpc.QueueServiceStub(channel)
        self._chance = chance
        self._batches = 0
        self._prefix = f"{chance.getrandbits(64):016x}"

    async def push(self, count: int = 10, size: int = 200, **fields: Any) -> Told:
        """Pushes a batch of jobs with random payloads of `size` bytes."""
        specs = [
            job_pb2.JobSpec(queue=self.queue, name="torture", payload=self._chance.randbytes(size), **fields)
            for _ in range(count)
        ]
        self._batches += 1
        request = job_service_pb2.PushJobsRequest(request_id=f"{self._prefix}-{self._batches}", jobs=specs)
        return await self._send(request)

    async def _send(self, request: job_service_pb2.PushJobsRequest, *, wait: bool = False) -> Told:
        try:
            response = await self.jobs.PushJobs(request, timeout=self._call_within_s, wait_for_ready=wait)
        except grpc.aio.AioRpcError as error:
            told = Told(*outcome_of(error))
            if told.outcome == "unknown":
                self.unknown[request.request_id] = request
        else:
            told = Told("ok")
            self.unknown.pop(request.request_id, None)
            for pushed, spec in zip(response.jobs, request.jobs, strict=True):
                self.acknowledged[pushed.job_id] = spec.payload
        self.told[told.reason or "OK"] += 1
        return told

    def take_over(self, other: Ledger) -> None:
        """From now on this one answers for all that another one was told."""
        self.acknowledged.update(other.acknowledged)
        self.unknown.update(other.unknown)
        self.completed |= other.completed
        self.doubtful |= other.doubtful

    async def repeat_unknown(self) -> None:
        """Sends every push again that had no answer, with its request id: now there must be one. Raises."""
        for request in list(self.unknown.values()):
            told = await self._send(request, wait=True)
            if told.outcome != "ok":
                raise AssertionError(f"a repeated push was not answered: {told.reason}")

    async def complete(self, count: int) -> Told:
        """Takes up to `count` jobs that wait, and completes them."""
        tokens: dict[bytes, str] = {}
        try:
            pulled = await self.work.PullJobs(
                work_service_pb2.PullJobsRequest(
                    queues=[self.queue], worker="ledger", max_jobs=count, timeout=Duration()
                ),
                timeout=self._call_within_s,
            )
            tokens = {delivery.lease_token: delivery.job_id for delivery in pulled.deliveries}
            if not tokens:
                return Told("ok")
            settlements = [
                work_service_pb2.Settlement(lease_token=token, complete=work_service_pb2.Complete(result=b"done"))
                for token in tokens
            ]
            answer = await self.work.SettleJobs(
                work_service_pb2.SettleJobsRequest(settlements=settlements), timeout=self._call_within_s
            )
        except grpc.aio.AioRpcError as error:
            self.doubtful.update(tokens.values())
            return Told(*outcome_of(error))
        for result, job_id in zip(answer.results, tokens.values(), strict=True):
            if not result.reason:
                self.completed.add(job_id)
        return Told("ok")

    async def list_all(self) -> dict[str, job_pb2.Job]:
        """Every job of the queue, with payload."""
        found: dict[str, job_pb2.Job] = {}
        request = job_service_pb2.ListJobsRequest(
            filter=job_service_pb2.JobFilter(queue=self.queue), page_size=1000, include_payload=True
        )
        for _ in range(MOST_PAGES):
            page = await self.jobs.ListJobs(request, timeout=self._call_within_s, wait_for_ready=True)
            found.update((job.id, job) for job in page.jobs)
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token
        raise AssertionError("the listing does not end")

    async def unfinished(self) -> int:
        """How many jobs of the queue are not finished, by its counters."""
        request = queue_service_pb2.GetQueueRequest(queue=self.queue)
        try:
            answer = await self._queues.GetQueue(request, timeout=self._call_within_s, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return 0
            raise
        counts = answer.queue.counts
        return counts.waiting + counts.delayed + counts.active

    async def audit(self) -> list[str]:
        """What the server has, against what it said; one line for each thing that is wrong. Nothing must be unknown."""
        if self.unknown:
            raise AssertionError("repeat_unknown comes first")
        return audit(self.acknowledged, self.completed, self.doubtful, await self.list_all())


def audit(
    acknowledged: Mapping[str, bytes], completed: set[str], doubtful: set[str], found: Mapping[str, job_pb2.Job]
) -> list[str]:
    """What is wrong with the jobs that were found, given what was answered."""
    wrong = (
        [f"{len(lost)} acknowledged jobs are lost: {sorted(lost)[:3]}"] if (lost := acknowledged.keys() - found) else []
    )
    if new := found.keys() - acknowledged:
        wrong.append(f"{len(new)} jobs were pushed by nobody, or twice: {sorted(new)[:3]}")
    changed = [
        job_id for job_id, payload in acknowledged.items() if job_id in found and found[job_id].spec.payload != payload
    ]
    if changed:
        wrong.append(f"{len(changed)} payloads have changed: {changed[:3]}")
    for job_id, job in found.items():
        done = job.state == job_pb2.JOB_STATE_COMPLETED
        if done != (job_id in completed) and job_id not in doubtful:
            wrong.append(f"job {job_id} is {job_pb2.JobState.Name(job.state)}, its completion was answered: {not done}")
    return wrong


@asynccontextmanager
async def ledger(
    address: str, seed: int, queue: str = "torture", *, call_within_s: float = CALL_WITHIN_S
) -> AsyncGenerator[Ledger]:
    """A ledger for the server at `address`, with a connection of its own."""
    async with grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS) as channel:
        yield Ledger(channel, random.Random(seed), queue, call_within_s)  # noqa: S311 - a seed must give the same load again
