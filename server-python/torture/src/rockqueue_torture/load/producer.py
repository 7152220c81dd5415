"""A producer: pushes batches, and repeats with the same request id what it got no answer to."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import grpc.aio

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_torture.client import CALL_TIMEOUT_S, RawClient
from rockqueue_torture.history import History, Outcome, now_ns
from rockqueue_torture.load.calls import GONE
from rockqueue_torture.load.jobs import TormentJob, make_job
from rockqueue_torture.outcome import outcome_of

TRIES = 40
_PAUSE_S = 0.3


class Producer:
    """One sequential client. `pushed` counts jobs that were acknowledged."""

    def __init__(
        self,
        name: str,
        history: History,
        address: str,
        random: Random,
        queues: tuple[str, ...],
        known: list[str],
        *,
        pause_s: float,
        wal_share: float,
    ) -> None:
        self.name = name
        self.pushed = 0
        self._history = history
        self._address = address
        self._random = random
        self._queues = queues
        self._known = known
        self._pause_s = pause_s
        self._wal_share = wal_share
        self._made = 0

    async def run(self, most_jobs: int) -> None:
        """Pushes until `most_jobs` were tried, or until it is cancelled."""
        async with RawClient(self._address) as client:
            while self._made < most_jobs:
                await self._push_batch(client)
                await asyncio.sleep(self._pause_s * self._random.random() * 2)

    async def _push_batch(self, client: RawClient) -> None:
        random = self._random
        queue = random.choice(self._queues)
        made = [self._make(queue) for _ in range(random.choice((1, 1, 3, 8, 20)))]
        request = job_service_pb2.PushJobsRequest(
            request_id=f"{self.name}-{self._made}",
            jobs=[spec for _, spec in made],
            durability=(job_pb2.DURABILITY_WAL if random.random() < self._wal_share else job_pb2.DURABILITY_FSYNC),
        )
        gives_up = random.random() < 0.2  # noqa: PLR2004 - one in five callers never learns what became of its push
        for _ in range(TRIES):
            outcome = await self._push(client, request, [job for job, _ in made])
            if outcome != "unknown" and random.random() < 0.9:  # noqa: PLR2004 - some repeat what was answered
                return
            if outcome == "unknown" and gives_up:
                return
            await asyncio.sleep(_PAUSE_S * random.random())

    def _make(self, queue: str) -> tuple[TormentJob, job_pb2.JobSpec]:
        self._made += 1
        return make_job(self._random, f"{self.name}-{self._made}", queue)

    async def _push(
        self, client: RawClient, request: job_service_pb2.PushJobsRequest, jobs: list[TormentJob]
    ) -> Outcome:
        outcome, answer = await push(client, self._history, self.name, request, jobs)
        if answer is not None:
            self._known.extend(job.job_id for job in answer.jobs)
            self.pushed += len(answer.jobs)
        return outcome


async def push(
    client: RawClient,
    history: History,
    name: str,
    request: job_service_pb2.PushJobsRequest,
    jobs: list[TormentJob],
) -> tuple[Outcome, job_service_pb2.PushJobsResponse | None]:
    """One call of PushJobs, noted; its outcome, and its answer where there was one."""
    t_inv = now_ns()
    args: dict[str, Any] = {
        "request_id": request.request_id,
        "durability": job_pb2.Durability.Name(request.durability),
        "jobs": [job.recorded() for job in jobs],
    }
    try:
        answer = await client.jobs.PushJobs(request, timeout=CALL_TIMEOUT_S)
    except grpc.aio.AioRpcError as error:
        outcome, reason = outcome_of(error)
        history.record(name, "push", t_inv, outcome, reason=reason, **args)
        return outcome, None
    except asyncio.CancelledError:
        history.record(name, "push", t_inv, "unknown", reason=GONE, **args)
        raise
    ids = [job.job_id for job in answer.jobs]
    held = [job.existing or job.replaced for job in answer.jobs]
    history.record(name, "push", t_inv, "ok", ids=ids, existing=held, **args)
    return "ok", answer
