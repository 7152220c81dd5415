"""The calls of a raw worker, each with what it leaves in the history."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import grpc.aio

from rockqueue.v1 import job_pb2, work_service_pb2
from rockqueue_torture.client import CALL_TIMEOUT_S, RawClient
from rockqueue_torture.history import History, Outcome, now_ns
from rockqueue_torture.load.jobs import duration, read_payload, result_bytes
from rockqueue_torture.outcome import outcome_of

GONE = "the client went away"


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery that a worker holds."""

    job: str
    token: bytes
    attempt: int
    tag: str
    fate: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a delivery is to be settled."""

    held: Held
    kind: str
    body: str = ""
    pause_ms: int = 0

    def message(self) -> work_service_pb2.Settlement:
        """For the server."""
        settlement = work_service_pb2.Settlement(lease_token=self.held.token)
        if self.kind == "complete":
            settlement.complete.result = self.body.encode()
            settlement.complete.result_content_type = "application/json"
        elif self.kind in {"fail", "never"}:
            settlement.fail.error.CopyFrom(job_pb2.JobError(type="Torment", message=self.body))
            if self.kind == "never":
                settlement.fail.never = True
        elif self.kind == "snooze":
            settlement.snooze.delay.CopyFrom(duration(self.pause_ms))
        elif self.kind == "cancelled":
            settlement.cancelled.SetInParent()
        else:
            settlement.release.SetInParent()
        return settlement


def completion(held: Held, worker: str) -> Verdict:
    """A completion with the result that all workers of the load give."""
    return Verdict(held, "complete", result_bytes(held.tag, held.attempt, worker).decode())


async def pull(
    client: RawClient,
    history: History,
    worker: str,
    queues: Sequence[str],
    *,
    most: int,
    lease_ms: int,
    wait_ms: int,
) -> list[Held] | None:
    """Takes jobs; None when there was no answer."""
    request = work_service_pb2.PullJobsRequest(
        queues=queues, worker=worker, max_jobs=most, lease=duration(lease_ms), timeout=duration(wait_ms)
    )
    t_inv = now_ns()
    try:
        answer = await client.work.PullJobs(request, timeout=wait_ms / 1000 + CALL_TIMEOUT_S)
    except grpc.aio.AioRpcError:
        return None
    t_ret = now_ns()
    taken: list[Held] = []
    for place, delivery in enumerate(answer.deliveries):
        tag, fate, check = read_payload(delivery.spec.payload)
        taken.append(Held(delivery.job_id, delivery.lease_token, delivery.attempt, tag, fate))
        event = history.record(
            worker,
            "grant",
            t_inv,
            job=delivery.job_id,
            tag=tag,
            check=check,
            queue=delivery.spec.queue,
            attempt=delivery.attempt,
            token=delivery.lease_token.hex(),
            place=place,
            lease_ns=delivery.lease.ToNanoseconds(),
            how="pull",
        )
        assert event.t_ret is None or event.t_ret >= t_ret
    return taken


async def settle(client: RawClient, history: History, worker: str, verdicts: Sequence[Verdict]) -> Outcome:
    """Settles, and notes each entry; the outcome of the call as a whole."""
    request = work_service_pb2.SettleJobsRequest(settlements=[verdict.message() for verdict in verdicts])
    t_inv = now_ns()
    outcome: Outcome = "ok"
    results: list[tuple[Outcome, str]] = []
    try:
        answer = await client.work.SettleJobs(request, timeout=CALL_TIMEOUT_S)
        results = [("ok" if entry.code == 0 else "fail", entry.reason) for entry in answer.results]
    except grpc.aio.AioRpcError as error:
        outcome, reason = outcome_of(error)
        results = [(outcome, reason) for _ in verdicts]
    except asyncio.CancelledError:
        lost: Outcome = "unknown"
        _note_settlements(history, worker, t_inv, verdicts, [(lost, GONE) for _ in verdicts])
        raise
    _note_settlements(history, worker, t_inv, verdicts, results)
    return outcome


def _note_settlements(
    history: History, worker: str, t_inv: int, verdicts: Sequence[Verdict], results: Sequence[tuple[Outcome, str]]
) -> None:
    for verdict, (outcome, reason) in zip(verdicts, results, strict=True):
        history.record(
            worker,
            "settle",
            t_inv,
            outcome,
            reason=reason,
            job=verdict.held.job,
            attempt=verdict.held.attempt,
            token=verdict.held.token.hex(),
            kind=verdict.kind,
            body=verdict.body,
        )


async def extend(client: RawClient, history: History, worker: str, held: Sequence[Held], lease_ms: int) -> set[bytes]:
    """Extends leases; the tokens whose handlers should stop."""
    request = work_service_pb2.ExtendLeasesRequest(lease_tokens=[one.token for one in held], lease=duration(lease_ms))
    t_inv = now_ns()
    results: list[tuple[Outcome, str]] = []
    asked: set[bytes] = set()
    try:
        answer = await client.work.ExtendLeases(request, timeout=CALL_TIMEOUT_S)
        results = [("ok" if lease.status.code == 0 else "fail", lease.status.reason) for lease in answer.leases]
        asked = {one.token for one, lease in zip(held, answer.leases, strict=True) if lease.cancel_requested}
    except grpc.aio.AioRpcError as error:
        results = [outcome_of(error)] * len(held)
    for one, (outcome, reason) in zip(held, results, strict=True):
        history.record(
            worker,
            "extend",
            t_inv,
            outcome,
            reason=reason,
            job=one.job,
            attempt=one.attempt,
            token=one.token.hex(),
            lease_ns=lease_ms * 1_000_000,
        )
    return asked
