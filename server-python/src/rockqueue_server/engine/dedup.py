"""Remembers answers by request id, so that a repeated call gets the first answer and does nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.protobuf.message import Message

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
)


def request_key(request_id: str) -> bytes:
    """Key of column `dedup` for a request."""
    return hashlib.blake2b(request_id.encode(), digest_size=16, person=b"request").digest()


def settlement_key(token: bytes) -> bytes:
    """Key of column `dedup` for a settlement."""
    return hashlib.blake2b(token, digest_size=16, person=b"settlement").digest()


def first_answer(engine: Engine, method: str, request_id: str, answer: type[M]) -> M | None:
    """What the call with this id was answered; None for a new id. Raises REQUEST_ID_REUSED for another method's."""
    first = first_bytes(engine, method, request_id)
    return None if first is None else answer.FromString(first)


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
