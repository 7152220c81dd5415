"""One `StreamPushes` stream: batches sent, outcomes that came and are not yet expected, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import grpc.aio

from rockqueue_conformance.language.times import need_duration_ns
from rockqueue_conformance.wire.connection import CallFailed, Connection
from rockqueue_conformance.wire.convert import from_data
from rockqueue_conformance.wire.errors import CODE_NUMBERS, DOMAIN, CallError
from rockqueue_conformance.wire.inbox import Data, Inbox
from rockqueue_conformance.wire.methods import METHODS

_PUSHES = METHODS["JobService.StreamPushes"]
_CODES = {number: name for name, number in CODE_NUMBERS.items()}


class PushStream(Inbox):
    """A stream and its inbox."""

    def __init__(self, connection: Connection, on_message: Callable[[str, Data], None]) -> None:
        super().__init__("pushes", connection.open_stream(_PUSHES), on_message)
        self.connection = connection
        self._writing = asyncio.Lock()
        self._last = 0
        self.outcomes: list[Data] = []

    async def send(self, batch: Data, sequence: int) -> None:
        """Writes a batch; a stream that has ended takes no more, which `end` tells."""
        message = {"sequence": sequence, "batch": batch}
        self._on_message("->", {"pushes": message})
        await self.send_raw(from_data(_PUSHES.request, message))

    async def send_raw(self, frame: Any) -> None:
        """Writes a message, or bytes that need not be one."""
        try:
            async with self._writing:
                await self._call.write(frame)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
            return

    async def push(self, batch: Data, within_s: float) -> Data:
        """Sends a batch and waits for its outcome: the PushJobsResponse, or CallFailed as of the call."""
        self._last -= 1
        sequence = self._last

        def mine() -> list[Data]:
            return [one for one in self.outcomes if int(one["sequence"]) == sequence]

        await self.send(batch, sequence)
        if not await self.wait(lambda: bool(mine()), within_s):
            if self.end is not None:
                raise CallFailed(self.end)
            raise TimeoutError(f"the batch {sequence} was not answered within {within_s:.0f} s")
        outcome = mine()[0]
        self.outcomes.remove(outcome)
        if "failure" in outcome:
            raise CallFailed(_failure(outcome["failure"]))
        return cast(Data, outcome["answer"])

    async def half_close(self) -> None:
        """Ends the sending side and leaves the receiving side open."""
        await self._call.done_writing()

    def _take(self, message: Data) -> None:
        self.outcomes += message["outcomes"]


def _failure(status: Data) -> CallError:
    """The status of a refused batch as that of a call."""
    delay = status.get("retry_delay")
    return CallError(
        code=_CODES.get(int(status["code"]), str(status["code"])),
        message=status["message"],
        reason=status["reason"],
        domain=DOMAIN,
        metadata=status["metadata"],
        fields=[violation["field"] for violation in status["violations"]],
        retry_after=delay is not None and need_duration_ns(delay) > 0,
    )
