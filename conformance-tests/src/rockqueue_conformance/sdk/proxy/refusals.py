"""How a call through the proxy ends that is not answered."""

from __future__ import annotations

import contextlib
from typing import Any

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
