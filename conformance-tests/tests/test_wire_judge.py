"""What the judge of the wire notices, message by message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rockqueue.v1 import job_service_pb2
from rockqueue.v1.work_service_pb2 import (
    CANCEL_CAUSE_LEASE_LOST,
    CANCEL_CAUSE_REQUESTED,
    AddCredits,
    CancelRequest,
    CancelRequests,
    Complete,
    Deliveries,
    Delivery,
    Drain,
    Goodbye,
    Heartbeat,
    OpenSession,
    SessionOpened,
    Settlement,
    SettlementResults,
    Settlements,
    WorkRequest,
    WorkResponse,
)
from rockqueue_conformance.sdk.judge import WireJudge
from rockqueue_conformance.sdk.proxy.records import CallRecord

Said = WorkRequest | WorkResponse

OPEN = WorkRequest(open=OpenSession(worker="w", client="rockqueue-test/1"))
OPENED = WorkResponse(opened=SessionOpened(session_id="s", resumed=True))
DRAIN = WorkRequest(drain=Drain())
GOODBYE = WorkRequest(goodbye=Goodbye())


def grant(number: int) -> WorkRequest:
    return WorkRequest(credits=AddCredits(credits=number))


def deliver(*tokens: bytes) -> WorkResponse:
    return WorkResponse(deliveries=Deliveries(deliveries=[Delivery(lease_token=token) for token in tokens]))


def settle(sequence: int, *tokens: bytes, granting: int = 0) -> WorkRequest:
    entries = [Settlement(lease_token=token, complete=Complete()) for token in tokens]
    return WorkRequest(settlements=Settlements(sequence=sequence, settlements=entries, credits=granting))


def settled(sequence: int, *failures: str) -> WorkResponse:
    entries = [
        job_service_pb2.EntryFailure(index=index, status=job_service_pb2.EntryStatus(code=9, reason=reason))
        for index, reason in enumerate(failures)
    ]
    return WorkResponse(settled=SettlementResults(sequence=sequence, failures=entries))


def stop(token: bytes, cause: int) -> WorkResponse:
    return WorkResponse(cancels=CancelRequests(cancels=[CancelRequest(lease_token=token, cause=cause)]))  # type: ignore[arg-type]


def resume(*held: bytes) -> WorkRequest:
    return WorkRequest(open=OpenSession(worker="w", client="c/1", session_id="s", held_leases=held))


def heartbeat(sequence: int) -> WorkRequest:
    return WorkRequest(heartbeat=Heartbeat(sequence=sequence))


def judge(*said: Said, window: int = 2) -> list[str]:
    """The flaws that a talk shows; `open` with a session begins the next stream."""
    judge = WireJudge()
    judge.windows["w"] = window
    stream = 0
    for message in said:
        if isinstance(message, WorkRequest):
            if message.WhichOneof("message") == "open" and (stream == 0 or message.open.session_id):
                judge.ended(stream)
                stream += 1
            judge.client_message(max(stream, 1), "w", message)
        else:
            judge.server_message(stream, message)
    return judge.flaws


GOOD: list[list[Said]] = [
    [OPEN, OPENED, grant(2), deliver(b"a"), heartbeat(1), settle(1, b"a", granting=1), settled(1), DRAIN, GOODBYE],
    [OPEN, OPENED, grant(2), deliver(b"a", b"b"), resume(b"a", b"b"), OPENED, settle(1, b"a", granting=1)],
    [OPEN, OPENED, grant(2), deliver(b"a", b"b"), stop(b"a", CANCEL_CAUSE_LEASE_LOST), grant(1)],
    [OPEN, OPENED, grant(1), deliver(b"a"), settle(1, b"a"), settled(1, "INVALID_FIELD"), settle(2, b"a")],
    [OPEN, OPENED, grant(2), deliver(b"a"), settle(1, b"a"), resume(b"a"), OPENED, settle(1, b"a", granting=2)],
]
BAD: list[tuple[list[Said], str]] = [
    ([grant(1)], "the first message on a stream is credits, not open"),
    ([OPEN, OPEN], "open came twice"),
    ([OPEN, OPENED, grant(3)], "it holds 3 credits and deliveries, its window is 2"),
    ([OPEN, OPENED, grant(2), deliver(b"a", b"b"), grant(1)], "it holds 3"),
    ([OPEN, OPENED, grant(2), deliver(b"a", b"b"), stop(b"a", CANCEL_CAUSE_REQUESTED), grant(1)], "it holds 3"),
    ([OPEN, OPENED, grant(2), deliver(b"a", b"b"), resume(b"a", b"b"), OPENED, grant(1)], "it holds 3"),
    ([OPEN, OPENED, grant(0)], "0 credits were granted"),
    ([OPEN, OPENED, DRAIN, grant(1)], "credits were granted after drain"),
    ([OPEN, OPENED, grant(1), deliver(b"a"), settle(1, b"a"), settle(2, b"a")], "settled twice on one stream"),
    ([OPEN, OPENED, settle(1, b"z")], "a lease was settled that was never delivered"),
    ([OPEN, OPENED, grant(2), deliver(b"a", b"b"), settle(2, b"a"), settle(1, b"b")], "settlements 1 came after 2"),
    ([OPEN, OPENED, heartbeat(2), heartbeat(2)], "heartbeat 2 came after 2"),
    (
        [OPEN, OPENED, grant(1), deliver(b"a"), settle(1, b"a"), GOODBYE],
        "goodbye came before settlements were answered",
    ),
    ([OPEN, OPENED, GOODBYE, heartbeat(1)], "heartbeat came after goodbye"),
    ([OPEN, OPENED, resume(b"z")], "named as held that were never delivered"),
    ([WorkRequest(open=OpenSession(worker="w"))], "without the name of the SDK"),
]


@pytest.mark.parametrize("said", GOOD)
def test_a_worker_that_keeps_the_rules_shows_no_flaw(said: list[Said]) -> None:
    assert judge(*said) == []


@pytest.mark.parametrize(("said", "flaw"), BAD)
def test_a_worker_that_breaks_a_rule_is_told(said: list[Said], flaw: str) -> None:
    assert [found for found in judge(*said) if flaw in found]


def a_call(request_id: str = "r", queue: str = "q", deadline_s: float | None = 1.0) -> CallRecord:
    request = job_service_pb2.PushJobsRequest(request_id=request_id)
    request.jobs.add(queue=queue)
    return CallRecord("PushJobs", request, deadline_s, {}, 0.0)


CALLS: list[tuple[Callable[[], list[CallRecord]], str]] = [
    (lambda: [a_call(), a_call()], ""),
    (lambda: [a_call("a"), a_call("b", "other")], ""),
    (lambda: [a_call(deadline_s=None)], "without a deadline"),
    (lambda: [a_call(request_id="")], "with the request id ''"),
    (lambda: [a_call(request_id="x" * 65)], "with the request id 'xxx"),
    (lambda: [a_call("a"), a_call("a", "other")], "stands for two different requests"),
]


@pytest.mark.parametrize(("calls", "flaw"), CALLS)
def test_calls_are_judged(calls: Callable[[], list[CallRecord]], flaw: str) -> None:
    judge = WireJudge()
    for call in calls():
        judge.call(call)
    assert (judge.flaws == []) == (not flaw)
    assert all(flaw in found for found in judge.flaws)
