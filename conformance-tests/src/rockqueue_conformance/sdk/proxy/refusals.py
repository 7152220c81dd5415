"""How a call through the proxy ends that is not answered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

import grpc
import grpc.aio

from rockqueue_conformance.sdk.proxy.rules import Refusal


class Refused(Exception):
    """The call ends with this status."""

    def __init__(self, wanted: Refusal) -> None:
        super().__init__(wanted.message)
        self.refusal = wanted


async def abort(context: Any, wanted: Refusal) -> None:
    """Ends a call of an SDK with a status."""
    with contextlib.suppress(grpc.aio.UsageError):
        context.set_trailing_metadata(wanted.metadata)
    await context.abort(wanted.code, wanted.message)


def refusal_of(code: grpc.StatusCode, said: str | None, trailers: Iterable[tuple[str, str | bytes]]) -> Refusal:
    """The status that a server has ended a call with."""
    details = next((value for key, value in trailers if key == "grpc-status-details-bin"), b"")
    return Refusal(code, said or "", details if isinstance(details, bytes) else b"")


async def end_of(stream: Any) -> Refusal:
    """The status that a server has ended a stream with."""
    return refusal_of(await stream.code(), await stream.details(), await stream.trailing_metadata())
