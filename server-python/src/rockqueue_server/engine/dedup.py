"""Remembers answers by request id, and settlements by lease: repeated, they get the first answer and do nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.protobuf.message import Message

from rockqueue.v1.work_service_pb2 import Settlement
from rockqueue_server.contract import limits
from rockqueue_server.engine.commit import Commit
from rockqueue_server.errors import ServiceError

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

M = TypeVar("M", bound=Message)

METHODS = (
    "PushJobs",
    "CancelJobs",
    "RetryJobs",
    "DeleteJobs",
    "UpdateQueue",
    "PauseQueue",
    "ResumeQueue",
    "PurgeQueue",
    "PushFlow",
    "CancelFlow",
    "RetryFlow",
    "PutSchedule",
    "DeleteSchedule",
    "PauseSchedule",
    "ResumeSchedule",
    "TriggerSchedule",
    "BackfillSchedule",
    "PutWebhook",
    "DeleteWebhook",
    "RotateWebhookSecret",
    "ResendWebhookDelivery",
    "UpdateGroup",
)


def request_key(request_id: str) -> bytes:
    """Key of column `dedup` for a request."""
    return hashlib.blake2b(request_id.encode(), digest_size=16, person=b"request").digest()


def remember_settlement(commit: Commit, settlement: Settlement, since_us: int) -> None:
    """So that the same settlement, sent again within the memory of requests that began at `since_us`, is OK again."""
    commit.remember(_settlement_key(settlement), _digest(settlement), since_us + limits.REQUEST_MEMORY_US)


def settlement_is_remembered(engine: Engine, settlement: Settlement) -> bool | None:
    """True for the very settlement that is remembered, False for another of its lease, None if there is none."""
    remembered = engine.columns.dedup.get(_settlement_key(settlement))
    return None if remembered is None else remembered == _digest(settlement)


def _settlement_key(settlement: Settlement) -> bytes:
    return hashlib.blake2b(settlement.lease_token, digest_size=16, person=b"settlement").digest()


def _digest(settlement: Settlement) -> bytes:
    return hashlib.blake2b(settlement.SerializeToString(deterministic=True), digest_size=16).digest()


def first_answer(engine: Engine, method: str, request_id: str, answer: type[M]) -> M | None:
    """What the call with this id was answered; None for a new id. Raises REQUEST_ID_REUSED for another method's."""
    first = first_bytes(engine, method, request_id)
    return None if first is None else answer.FromString(first)


def once(engine: Engine, now_us: int, method: str, request_id: str, answer: type[M], act: Callable[[Commit], M]) -> M:
    """Has `act` fill a commit, and writes it with what it answers; a repeated call gets the first answer."""
    first = first_answer(engine, method, request_id, answer)
    if first is not None:
        return first
    commit = engine.commit(now_us)
    result = act(commit)
    remember(commit, method, request_id, result)
    commit.write()
    return result


def first_bytes(engine: Engine, method: str, request_id: str) -> bytes | None:
    """The same, serialised."""
    if not request_id or "forget_request_id" in engine.defects:
        return None
    value = engine.columns.dedup.get(request_key(request_id))
    if value is None:
        return None
    if value[0] != METHODS.index(method):
        raise ServiceError(
            grpc.StatusCode.INVALID_ARGUMENT,
            "REQUEST_ID_REUSED",
            f"request_id {request_id!r} was used for {METHODS[value[0]]}: make a new one for each logical call",
            {"request_id": request_id},
        )
    return value[1:]


def remember(commit: Commit, method: str, request_id: str, answer: Message) -> None:
    """Keeps an answer with the commit that it is about."""
    remember_bytes(commit, method, request_id, answer.SerializeToString())


def remember_bytes(commit: Commit, method: str, request_id: str, answer: bytes) -> None:
    """Keeps a serialised answer with the commit that it is about."""
    if request_id:
        value = bytes((METHODS.index(method),)) + answer
        commit.remember(request_key(request_id), value, commit.now_us + limits.REQUEST_MEMORY_US)
