"""What a running case knows: variables, streams, watches, calls in the background, and what was seen on the wire."""

from __future__ import annotations

import asyncio
import reprlib
from collections import deque
from dataclasses import dataclass
from typing import Any

from rockqueue_conformance.language.match import Mismatch
from rockqueue_conformance.language.model import Variant
from rockqueue_conformance.language.times import duration_text
from rockqueue_conformance.language.values import resolve
from rockqueue_conformance.steps.oracle import DeliveryOracle
from rockqueue_conformance.target.slot import Slot
from rockqueue_conformance.wire.connection import CallFailed, Connection
from rockqueue_conformance.wire.convert import from_data
from rockqueue_conformance.wire.errors import flaws
from rockqueue_conformance.wire.methods import method
from rockqueue_conformance.wire.push_stream import PushStream
from rockqueue_conformance.wire.receiver import Receiver
from rockqueue_conformance.wire.watch import Watch
from rockqueue_conformance.wire.work_stream import WorkStream

Data = dict[str, Any]

_MOST_SHOWN = 700
_PUSH_JOBS = "JobService.PushJobs"


def _short() -> reprlib.Repr:
    """A large message must not take long to be noted."""
    short = reprlib.Repr()
    short.maxlevel, short.maxdict, short.maxlist, short.maxstring, short.maxother = 12, 40, 20, 300, 300
    return short


_SHORT = _short()

QUIET_S = 0.03
"""How long a step that expects nothing listens after everything due was done and a heartbeat was answered."""


class StepFailed(Exception):
    """What came does not fit what the case expects."""

    def __init__(self, problems: list[Mismatch] | list[str] | str) -> None:
        self.problems = [problems] if isinstance(problems, str) else [str(problem) for problem in problems]
        super().__init__("; ".join(self.problems))


@dataclass(slots=True)
class Background:
    """A call that a case has started and not finished."""

    method: str
    task: asyncio.Task[Data]


class CaseContext:
    """One run of one variant of a case."""

    def __init__(self, slot: Slot, variant: Variant, unique: str) -> None:
        self.slot = slot
        self.variant = variant
        self.scope: Data = {"queue": unique, "prefix": unique, "now": slot.now, "delivery": variant.delivery or ""}
        for number in range(2, 6):
            self.scope[f"queue{number}"] = f"{unique}.{number}"
        self.streams: dict[str, WorkStream] = {}
        self.push_streams: dict[str, PushStream] = {}
        self.watches: dict[str, Watch] = {}
        self.receivers: dict[str, Receiver] = {}
        self.background: dict[str, Background] = {}
        self.stream_of: dict[str, str] = {}
        self.frames: deque[str] = deque(maxlen=24)
        self.oracle = DeliveryOracle()

    @property
    def connection(self) -> Connection:
        if self.slot.connection is None:
            raise StepFailed("the case has no server here: start it first")
        return self.slot.connection

    def resolve(self, value: Any) -> Any:
        """The value with the variables of the case filled in."""
        return resolve(value, self.scope)

    async def call(self, name: str, request: Any, within_s: float | None = None) -> Data:
        """One unary call by name; notes both messages. CallFailed as the server answered it.

        PushJobs goes by a stream where the variant says so.
        """
        target = method(name)
        message = request if isinstance(request, bytes) else from_data(target.request, request)
        self.note("->", {name: request if not isinstance(request, bytes) else f"{len(request)} raw bytes"})
        try:
            if self.variant.push == "push_stream" and name == _PUSH_JOBS and not isinstance(request, bytes):
                response = await self._push_by_stream(request, within_s or self.slot.patience_s)
            else:
                response = await self.connection.call(target, message, within_s or self.slot.patience_s)
        except CallFailed as failed:
            self.note("<-", {name: failed.error.to_data()})
            if failed.error.reason and (found := flaws(failed.error)):
                raise StepFailed(found) from None
            raise
        self.note("<-", {name: response})
        return response

    async def _push_by_stream(self, request: Data, within_s: float) -> Data:
        """PushJobs on a stream of the case's own, which is opened anew when it has ended."""
        source = self.push_streams.get(_PUSH_JOBS)
        if source is None or source.end is not None or source.connection is not self.connection:
            source = self.push_streams[_PUSH_JOBS] = PushStream(self.connection, lambda _, __: None)
        return await source.push(request, within_s)

    def note(self, direction: str, data: Data) -> None:
        """Keeps a message for the report, and lets the oracle look at deliveries."""
        text = _SHORT.repr(data)
        self.frames.append(f"{direction} {text if len(text) < _MOST_SHOWN else text[:500] + ' ... ' + text[-150:]}")
        if direction == "<-":
            self.oracle.look(data)

    async def advance_clock(self, by_ns: int, within_s: float | None = None) -> None:
        """Turns the server's clock; what came due is done when this returns."""
        answer = await self.call("ClockService.AdvanceClock", {"by": duration_text(by_ns)}, within_s)
        self.scope["now"] = answer["now"]

    async def settle_clock(self) -> None:
        """Has everything done that is due now, where the server's clock can be turned."""
        if self.slot.has_clock:
            await self.advance_clock(0)

    async def freeze(self) -> None:
        """Stops the server's clock, where it can be stopped. The time must not have gone back."""
        if not self.slot.has_clock:
            return
        before = self.scope["now"]
        answer = await self.call("ClockService.FreezeClock", {})
        if answer["now"] < before[:19]:
            raise StepFailed(f"server time went back from {before} to {answer['now']}")
        self.scope["now"] = answer["now"]

    async def close(self) -> None:
        """Ends what the case left open."""
        for pending in self.background.values():
            pending.task.cancel()
        await asyncio.gather(*(pending.task for pending in self.background.values()), return_exceptions=True)
        for stream in (*self.streams.values(), *self.push_streams.values(), *self.watches.values()):
            await stream.cancel()
        for receiver in self.receivers.values():
            await receiver.close()
