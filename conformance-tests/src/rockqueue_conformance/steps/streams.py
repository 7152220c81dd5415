"""Steps that speak on a `Work` stream by name: open, send, receive, break, half-close, resume."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from rockqueue_conformance.language.model import Step
from rockqueue_conformance.steps.calls import raw_bytes
from rockqueue_conformance.steps.checking import (
    Handler,
    expect,
    expect_end,
    expected_count,
    save,
    status_matcher,
    within_s,
)
from rockqueue_conformance.steps.context import QUIET_S, CaseContext, StepFailed
from rockqueue_conformance.wire.errors import CallError
from rockqueue_conformance.wire.work_stream import WorkStream

Data = dict[str, Any]

_LOST_STATUS = "Internal error from Core"
"""What grpc.aio says instead of the server's status when the stream ends while the client still writes."""

_TRIES = 5


def stream(ctx: CaseContext, name: str) -> WorkStream:
    """The stream of that name."""
    found = ctx.streams.get(name)
    if found is None:
        raise StepFailed(f"no stream {name!r} was opened")
    return found


async def open_session(ctx: CaseContext, name: str, message: Data, within: float) -> WorkStream:
    """Opens a stream and waits for SessionOpened; StepFailed when something else comes first."""
    opening = WorkStream(ctx.connection, ctx.note)
    opening.open_message = message
    ctx.streams[name] = opening
    await opening.send({"open": message})
    if not await opening.wait(lambda: opening.opened is not None, within):
        raise StepFailed(f"the session did not open; the stream ended with {opening.end}")
    return opening


async def open_step(ctx: CaseContext, step: Step) -> None:
    """`open`: opens a session on `${queue}`; `message` adds to it, `expect` and `save` speak of SessionOpened."""
    message = {"queues": [ctx.scope["queue"]], "worker": step.value, **ctx.resolve(step.options.get("message", {}))}
    if step.value in ctx.streams and ctx.streams[step.value].end is None:
        raise StepFailed(f"the stream {step.value!r} is open already")
    if "ended" in step.options:
        expect_end(ctx.resolve(step.options["ended"]), await _refused_open(ctx, message, within_s(ctx, step)))
        return
    opened = await open_session(ctx, step.value, message, within_s(ctx, step))
    expect(ctx.resolve(step.options.get("expect", {})), opened.opened, "opened")
    save(ctx, step, opened.opened)


async def _refused_open(ctx: CaseContext, message: Data, within: float) -> CallError | None:
    """How a stream ends that is opened in vain."""
    end: CallError | None = None
    for _ in range(_TRIES):
        opening = WorkStream(ctx.connection, ctx.note)
        await opening.send({"open": message})
        await opening.wait(lambda one=opening: one.end is not None, within)
        end = opening.end
        if end is None or end.message != _LOST_STATUS:
            break
    return end


async def raw_stream(ctx: CaseContext, step: Step) -> None:
    """`raw_stream`: a stream without its `open`; messages follow by `send`."""
    ctx.streams[step.value] = WorkStream(ctx.connection, ctx.note)


async def send(ctx: CaseContext, step: Step) -> None:
    """`send`: one WorkRequest (`message`) or raw bytes (`raw`)."""
    target = stream(ctx, step.value)
    if "raw" in step.options:
        await target.send_raw(raw_bytes(ctx.resolve(step.options["raw"])))
        return
    message = cast(Data, ctx.resolve(step.options["message"]))
    if "settlements" in message and "sequence" not in message["settlements"]:
        message["settlements"]["sequence"] = target.next_sequence()
    if "heartbeat" in message and "sequence" not in message["heartbeat"]:
        message["heartbeat"]["sequence"] = target.next_sequence()
    if "settlements" in message:
        target.sequence = max(target.sequence, int(message["settlements"]["sequence"]))
    await target.send(message)


async def receive(ctx: CaseContext, step: Step) -> None:
    """`receive`: takes deliveries, cancels, settled, heartbeat, drain, opened or the end off the inbox, or waits."""
    source, timeout_s = stream(ctx, step.value), within_s(ctx, step)
    if "opened" in step.options:
        await source.wait(lambda: source.opened is not None, timeout_s)
        expect(ctx.resolve(step.options["opened"]), source.opened, "opened")
    if "deliveries" in step.options:
        await _receive_deliveries(ctx, step, source, timeout_s)
    if "cancels" in step.options:
        wanted = ctx.resolve(step.options["cancels"])
        count = expected_count(wanted) or 0
        await source.wait(lambda: len(source.cancels) >= count, timeout_s)
        got, source.cancels = source.cancels, []
        expect(wanted, got, "cancels")
    if "settled" in step.options:
        await _receive_settled(ctx, step, source, timeout_s)
    if "heartbeat" in step.options:
        sequence = int(ctx.resolve(step.options["heartbeat"]))
        if not await source.wait(lambda: sequence in source.heartbeats, timeout_s):
            raise StepFailed(f"the heartbeat {sequence} was not answered; the stream ended with {source.end}")
    if "drain" in step.options and not await source.wait(lambda: source.draining, timeout_s):
        raise StepFailed(f"the server sent no drain; the stream ended with {source.end}")
    if "ended" in step.options:
        await source.wait(lambda: source.end is not None, timeout_s)
        expect_end(ctx.resolve(step.options["ended"]), source.end)


async def _receive_deliveries(ctx: CaseContext, step: Step, source: WorkStream, timeout_s: float) -> None:
    wanted = ctx.resolve(step.options["deliveries"])
    count = expected_count(wanted)
    if count is None:
        await fence(ctx, source, timeout_s)
    else:
        await source.wait(lambda: len(source.deliveries) >= count, timeout_s)
    took = len(source.deliveries) if count is None else count
    got, source.deliveries = source.deliveries[:took], source.deliveries[took:]
    expect(wanted, got, "deliveries")
    keep_deliveries(ctx, step, got, step.value)


def keep_deliveries(ctx: CaseContext, step: Step, got: list[Data], stream_name: str) -> None:
    """Saves deliveries, and notes whose they are."""
    for delivery in got:
        ctx.stream_of[delivery["lease_token"]] = stream_name
    save(ctx, step, got)


async def _receive_settled(ctx: CaseContext, step: Step, source: WorkStream, timeout_s: float) -> None:
    wanted = cast(Data, ctx.resolve(step.options["settled"]))
    sequence = int(wanted.get("sequence", source.sequence))
    if not await source.wait(lambda: sequence in source.settled, timeout_s):
        raise StepFailed(f"no results for the settlements {sequence}; the stream ended with {source.end}")
    failures = [
        {**failure, "status": status_matcher(failure["status"])} for failure in cast(list[Data], wanted["failures"])
    ]
    expect({"failures": failures}, source.settled[sequence], "settled")


async def fence(ctx: CaseContext, source: WorkStream, timeout_s: float) -> None:
    """Returns when what the server had to send has come: due work done, a heartbeat answered, then quiet."""
    await ctx.settle_clock()
    sequence = source.next_sequence()
    await source.send({"heartbeat": {"sequence": sequence}})
    if not await source.wait(lambda: sequence in source.heartbeats, timeout_s):
        raise StepFailed(f"a heartbeat was not answered; the stream ended with {source.end}")
    await asyncio.sleep(QUIET_S)


async def none(ctx: CaseContext, step: Step) -> None:
    """`none`: no delivery and no cancel request is under way on the stream."""
    source = stream(ctx, step.value)
    await fence(ctx, source, within_s(ctx, step))
    if source.deliveries or source.cancels:
        raise StepFailed(f"expected nothing, got deliveries {source.deliveries} and cancels {source.cancels}")


async def break_stream(ctx: CaseContext, step: Step) -> None:
    """`break`: cuts the stream without a goodbye, and waits until the server has noticed."""
    await stream(ctx, step.value).snap()
    await ctx.settle_clock()
    await asyncio.sleep(QUIET_S)
    await ctx.settle_clock()


async def half_close(ctx: CaseContext, step: Step) -> None:
    """`half_close`: ends the sending side only."""
    await stream(ctx, step.value).half_close()


async def resume(ctx: CaseContext, step: Step) -> None:
    """`resume`: opens a new stream for a broken session with the leases it holds; keeps what was not yet expected."""
    await resume_stream(ctx, step.value, ctx.resolve(step.options.get("message", {})), within_s(ctx, step))
    now = stream(ctx, step.value)
    expect(ctx.resolve(step.options.get("expect", {"resumed": True, "lost_leases": []})), now.opened, "opened")
    save(ctx, step, now.opened)


async def resume_stream(ctx: CaseContext, name: str, message: Data, timeout_s: float) -> None:
    """Reconnects a session as the contract says: session id, held leases, and once more what was not answered."""
    before = stream(ctx, name)
    assert before.opened is not None
    held = list(before.held)
    again = await open_session(
        ctx,
        name,
        {**before.open_message, "session_id": before.opened["session_id"], "held_leases": held, **message},
        timeout_s,
    )
    assert again.opened is not None
    lost = set(again.opened["lost_leases"])
    again.deliveries = before.deliveries + again.deliveries
    again.cancels = before.cancels + again.cancels
    again.sequence = before.sequence
    again.settled.update(before.settled)
    again.heartbeats |= before.heartbeats
    again.held.update({token: delivery for token, delivery in before.held.items() if token not in lost})
    for unanswered in before.unanswered.values():
        if "settlements" in unanswered:
            unanswered["settlements"].pop("credits", None)
        await again.send(unanswered)


async def goodbye(ctx: CaseContext, step: Step) -> None:
    """`goodbye`: says Goodbye, ends the sending side, and expects the stream to end OK."""
    source = stream(ctx, step.value)
    await source.send({"goodbye": {}})
    await source.half_close()
    await source.wait(lambda: source.end is not None, within_s(ctx, step))
    expect_end("OK", source.end)


STREAM_STEPS: dict[str, Handler] = {
    "open": open_step,
    "raw_stream": raw_stream,
    "send": send,
    "receive": receive,
    "none": none,
    "break": break_stream,
    "half_close": half_close,
    "resume": resume,
    "goodbye": goodbye,
}
"""Step kinds of this file."""
