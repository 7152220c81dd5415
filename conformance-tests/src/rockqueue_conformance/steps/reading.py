"""Steps of a client that does not read its streams."""

from __future__ import annotations

from rockqueue_conformance.language.model import Step
from rockqueue_conformance.steps.checking import Handler
from rockqueue_conformance.steps.context import CaseContext, StepFailed
from rockqueue_conformance.wire.inbox import Inbox


def _inboxes(ctx: CaseContext, step: Step) -> list[Inbox]:
    """The streams of these names, of whatever kind."""
    open_now: dict[str, Inbox] = {**ctx.streams, **ctx.push_streams, **ctx.watches}
    if unknown := [name for name in step.value if name not in open_now]:
        raise StepFailed(f"no stream of the name {', '.join(unknown)} was opened")
    return [open_now[name] for name in step.value]


async def stop_reading(ctx: CaseContext, step: Step) -> None:
    """`stop_reading`: leaves these streams unread until `read_on`."""
    for inbox in _inboxes(ctx, step):
        inbox.stop_reading()


async def read_on(ctx: CaseContext, step: Step) -> None:
    """`read_on`: reads these streams again."""
    for inbox in _inboxes(ctx, step):
        inbox.read_on()


READING_STEPS: dict[str, Handler] = {
    "stop_reading": stop_reading,
    "read_on": read_on,
}
"""Step kinds of this file."""
