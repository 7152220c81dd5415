"""Steps that watch events by name: start, expect in order, expect no more, stop."""

from __future__ import annotations

import asyncio
from typing import Any

from rockqueue_conformance.language.match import fits
from rockqueue_conformance.language.model import Step
from rockqueue_conformance.steps.checking import Handler, expect, expect_end, expected_count, save, within_s
from rockqueue_conformance.steps.context import QUIET_S, CaseContext, StepFailed
from rockqueue_conformance.wire.watch import Watch

Data = dict[str, Any]


def _watch(ctx: CaseContext, name: str) -> Watch:
    found = ctx.watches.get(name)
    if found is None:
        raise StepFailed(f"no watch {name!r} was started")
    return found


async def watch(ctx: CaseContext, step: Step) -> None:
    """`watch`: starts watching; `request` is a WatchEventsRequest, by default from now, of `${queue}`.

    Returns when the first response has come; with `ended` when the stream has.
    """
    request = ctx.resolve(step.options.get("request", {"filter": {"queues": ["${queue}"]}}))
    started = Watch(ctx.connection, request, ctx.note)
    ctx.note("->", {"watch": request})
    if "ended" in step.options:
        await started.wait(lambda: False, within_s(ctx, step))
        if started.end is None:
            await started.cancel()
            raise StepFailed(f"expected the watch to end with {step.options['ended']}; it goes on")
        expect_end(ctx.resolve(step.options["ended"]), started.end)
        return
    ctx.watches[step.value] = started
    if not await started.wait(lambda: started.responses > 0, within_s(ctx, step)):
        raise StepFailed(f"no first response came; the watch ended with {started.end}")


async def events(ctx: CaseContext, step: Step) -> None:
    """`events`: takes as many events off a watch as `expect` lists, in order.

    `only` leaves out what does not fit it, `more: false` demands that nothing else has come.
    """
    source, timeout_s = _watch(ctx, step.value), within_s(ctx, step)
    wanted, only = ctx.resolve(step.options.get("expect", [])), ctx.resolve(step.options.get("only"))
    count = expected_count(wanted)

    def chosen() -> list[Data]:
        return [event for event in source.events if only is None or fits(only, event)]

    if count is not None:
        least = count
        await source.wait(lambda: len(chosen()) >= least, timeout_s)
    if step.options.get("more") is False or count is None:
        await ctx.settle_clock()
        await asyncio.sleep(QUIET_S)
        count = len(chosen())
    got = chosen()[:count]
    source.events = source.events[source.events.index(got[-1]) + 1 :] if got else source.events
    if source.flaws:
        raise StepFailed(source.flaws)
    expect(wanted, got, "events")
    save(ctx, step, got)


async def watch_end(ctx: CaseContext, step: Step) -> None:
    """`watch_end`: the server ends the watch, as `ended` says."""
    source = _watch(ctx, step.value)
    await source.wait(lambda: source.end is not None, within_s(ctx, step))
    expect_end(ctx.resolve(step.options["ended"]), source.end)


async def unwatch(ctx: CaseContext, step: Step) -> None:
    """`unwatch`: ends the watch from this side; `save` keeps the cursor it has reached."""
    source = ctx.watches.pop(step.value)
    await source.cancel()
    save(ctx, step, {"cursor": source.cursor})


async def cursor(ctx: CaseContext, step: Step) -> None:
    """`cursor`: keeps the cursor that a watch has reached, without ending it."""
    save(ctx, step, {"cursor": _watch(ctx, step.value).cursor})


async def checkpoint(ctx: CaseContext, step: Step) -> None:
    """`checkpoint`: waits until a response without events has moved the watch on from the cursor saved as `past`."""
    source = _watch(ctx, step.value)
    past = ctx.resolve(step.options["past"])
    if not await source.wait(lambda: source.cursor != past and not source.events, within_s(ctx, step)):
        raise StepFailed(f"no checkpoint moved the cursor on from {past}")
    save(ctx, step, {"cursor": source.cursor})


WATCH_STEPS: dict[str, Handler] = {
    "watch": watch,
    "events": events,
    "watch_end": watch_end,
    "unwatch": unwatch,
    "cursor": cursor,
    "checkpoint": checkpoint,
}
"""Step kinds of this file."""
