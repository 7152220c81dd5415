"""A client that cancels: single jobs, and whole queues by filter."""

from __future__ import annotations

import asyncio
from random import Random

import grpc.aio

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_torture.client import CALL_TIMEOUT_S, RawClient
from rockqueue_torture.history import History, now_ns
from rockqueue_torture.load.calls import GONE
from rockqueue_torture.load.jobs import TormentJob, make_job
from rockqueue_torture.load.producer import push
from rockqueue_torture.outcome import outcome_of

BULK_QUEUE = "bulk"


class Canceller:
    """Cancels some of the jobs that are `known`, and fills and cancels a queue of its own."""

    def __init__(
        self, name: str, history: History, address: str, random: Random, known: list[str], *, pause_s: float
    ) -> None:
        self._name = name
        self._history = history
        self._address = address
        self._random = random
        self._known = known
        self._pause_s = pause_s
        self._made = 0

    async def run(self) -> None:
        """Cancels until it is cancelled itself."""
        async with RawClient(self._address) as client:
            while True:
                await asyncio.sleep(self._pause_s * (0.5 + self._random.random()))
                if self._known and self._random.randrange(3):
                    job = self._random.choice(self._known[-200:])
                    request = job_service_pb2.CancelJobsRequest(jobs={"ids": [job]})
                    await self._cancel(client, request, "cancel", job=job)
                else:
                    await self._cancel_queue(client)

    async def _cancel_queue(self, client: RawClient) -> None:
        made = [self._make() for _ in range(30)]
        request = job_service_pb2.PushJobsRequest(
            request_id=f"{self._name}-{self._made}", jobs=[spec for _, spec in made]
        )
        await push(client, self._history, self._name, request, [job for job, _ in made])
        await self._cancel(
            client,
            job_service_pb2.CancelJobsRequest(request_id=f"{self._name}-c-{self._made}", filter={"queue": BULK_QUEUE}),
            "cancel_all",
            queue=BULK_QUEUE,
        )

    def _make(self) -> tuple[TormentJob, job_pb2.JobSpec]:
        self._made += 1
        return make_job(self._random, f"{self._name}-{self._made}", BULK_QUEUE)

    async def _cancel(
        self, client: RawClient, request: job_service_pb2.CancelJobsRequest, op: str, **args: str
    ) -> None:
        t_inv = now_ns()
        try:
            answer = await client.jobs.CancelJobs(request, timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            outcome, reason = outcome_of(error)
            self._history.record(self._name, op, t_inv, outcome, reason=reason, **args)  # type: ignore[arg-type]
            return
        except asyncio.CancelledError:
            self._history.record(self._name, op, t_inv, "unknown", reason=GONE, **args)  # type: ignore[arg-type]
            raise
        refused = [failure.status.reason for failure in answer.failures]
        outcome = "fail" if refused else "ok"
        reason = ",".join(refused)
        self._history.record(self._name, op, t_inv, outcome, reason=reason, more=answer.more, **args)  # type: ignore[arg-type]
