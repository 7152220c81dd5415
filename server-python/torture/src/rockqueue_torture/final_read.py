"""The final read: nothing is broken any more, healthy workers drain every queue, and every job is listed."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, field

import grpc.aio

from rockqueue.v1 import job_pb2, job_service_pb2, queue_service_pb2
from rockqueue_torture.client import RawClient
from rockqueue_torture.history import History, now_ns
from rockqueue_torture.load.calls import completion, pull, settle
from rockqueue_torture.load.jobs import read_payload
from rockqueue_torture.server import Server

DRAINED_WITHIN_S = 60.0
_CALL_S = 15.0
_LEASE_MS = 30_000
_DRAINERS = 2
_PAGE = 500
_MOST_PAGES = 10_000
_UNFINISHED = ("waiting", "delayed", "active")


class ReadTrouble(Exception):
    """The final read itself was not possible."""


@dataclass(slots=True)
class FinalRead:
    """What was there at the end: jobs by queue and state, counted by the server and by listing."""

    drained: bool
    jobs: int = 0
    counters: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    scan: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])


async def final_read(history: History, server: Server, *, within_s: float = DRAINED_WITHIN_S) -> FinalRead:
    """Drains and lists a healthy, running server, and compares its counters with the list. Raises ReadTrouble."""
    history.mark("healed", within_ns=int(within_s * 1e9))
    async with RawClient(server.address) as client:
        drained = await _drain(history, client, within_s)
        read = FinalRead(drained)
        await _list_all(history, client, read)
        read.counters = {name: counts for name, counts in (await _counts(client)).items() if any(counts.values())}
    history.mark("books", counters=read.counters, scan=read.scan, problems=[])
    history.mark("read", drained=drained, jobs=read.jobs)
    return read


async def closed_books(history: History, server: Server) -> list[str]:
    """Runs `rockqueue check` on the store of a server that has ended; its problems."""
    report = await server.check()
    history.mark("books", counters={}, scan={}, problems=report["problems"])
    return report["problems"]


async def _drain(history: History, client: RawClient, within_s: float) -> bool:
    """True once nothing is left to do."""
    until = now_ns() + int(within_s * 1e9)
    queues = list(await _counts(client))
    drainers = [asyncio.create_task(_work(history, client, f"drain{index}", queues)) for index in range(_DRAINERS)]
    try:
        while now_ns() < until:
            for drainer in drainers:
                if drainer.done():
                    drainer.result()
            counts = await _counts(client)
            if not any(counts[queue][state] for queue in counts for state in _UNFINISHED):
                return True
            await asyncio.sleep(0.02)
        return False
    finally:
        for drainer in drainers:
            drainer.cancel()
        await asyncio.gather(*drainers, return_exceptions=True)


async def _work(history: History, client: RawClient, name: str, queues: list[str]) -> None:
    """A healthy worker: completes all that it gets."""
    while queues:
        taken = await pull(client, history, name, queues[:64], most=200, lease_ms=_LEASE_MS, wait_ms=200)
        if taken:
            await settle(client, history, name, [completion(held, name) for held in taken])


async def _counts(client: RawClient) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    token = ""
    for _ in range(_MOST_PAGES):
        page = await client.queues.ListQueues(
            queue_service_pb2.ListQueuesRequest(page_token=token), timeout=_CALL_S, wait_for_ready=True
        )
        for queue in page.queues:
            counts = queue.counts
            found[queue.name] = {
                "waiting": counts.waiting,
                "delayed": counts.delayed,
                "active": counts.active,
                "completed": counts.completed,
                "dead": counts.dead,
                "cancelled": counts.cancelled,
            }
        token = page.next_page_token
        if not token:
            return found
    raise ReadTrouble(f"more than {_MOST_PAGES} pages of queues")


async def _list_all(history: History, client: RawClient, read: FinalRead) -> None:
    counted: dict[str, Counter[str]] = {}
    token = ""
    for _ in range(_MOST_PAGES):
        request = job_service_pb2.ListJobsRequest(page_size=_PAGE, page_token=token, include_payload=True)
        try:
            page = await client.jobs.ListJobs(request, timeout=_CALL_S, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            raise ReadTrouble(f"ListJobs failed at the final read: {error.details()}") from error
        for job in page.jobs:
            read.jobs += 1
            state = job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_")
            counted.setdefault(job.spec.queue, Counter())[state.lower()] += 1
            _note(history, job, state)
        token = page.next_page_token
        if not token:
            names = ("waiting", "delayed", "active", "completed", "dead", "cancelled")
            read.scan = {queue: {name: counts[name] for name in names} for queue, counts in counted.items()}
            return
    raise ReadTrouble(f"more than {_MOST_PAGES} pages of jobs")


def _note(history: History, job: job_pb2.Job, state: str) -> None:
    tag, _, check = read_payload(job.spec.payload)
    history.mark(
        "final",
        job=job.id,
        tag=tag,
        check=check,
        queue=job.spec.queue,
        state=state,
        attempt=job.attempt,
        failures=job.failures,
        crashes=job.crashes,
        dead_reason=job_pb2.DeadReason.Name(job.dead_reason).removeprefix("DEAD_REASON_"),
        result=job.result.decode(errors="replace") if len(job.result) < 400 else hashlib.sha256(job.result).hexdigest(),  # noqa: PLR2004 - results of the load are short
        worker=job.worker,
    )
