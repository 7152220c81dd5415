"""Steps that speak on a `StreamPushes` stream by name: open, send batches, expect outcomes, end."""

from __future__ import annotations

from typing import Any, cast

from rockqueue_conformance.language.model import Step
from rockqueue_conformance.steps.calls import raw_bytes, with_defaults
from rockqueue_conformance.steps.checking import (
    Handler,
    expect,
    expect_end,
    expected_count,
    save,
    status_matcher,
    within_s,
)
from rockqueue_conformance.steps.context import CaseContext, StepFailed
from rockqueue_conformance.wire.push_stream import PushStream

Data = dict[str, Any]


def _stream(ctx: CaseContext, name: str) -> PushStream:
    found = ctx.push_streams.get(name)
    if found is None:
        raise StepFailed(f"no push stream {name!r} was opened")
    return found


async def push_stream(ctx: CaseContext, step: Step) -> None:
    """`push_stream`: opens a stream."""
    ctx.push_streams[step.value] = PushStream(ctx.connection, ctx.note)


async def send_batch(ctx: CaseContext, step: Step) -> None:
    """`send_batch`: one batch under its `sequence`, or `raw` bytes; `times` over, with `${i}` counting from 0.

    Jobs go to `${queue}` and are named `task` unless they say so.
    """
    target = _stream(ctx, step.value)
    for index in range(int(step.options.get("times", 1))):
        ctx.scope["i"] = index
        if "raw" in step.options:
            await target.send_raw(raw_bytes(ctx.resolve(step.options["raw"])))
            continue
        batch = cast(Data, ctx.resolve(step.options["batch"]))
        if "jobs" in batch:
            batch = {**batch, "jobs": with_defaults(ctx, batch["jobs"])}
        await target.send(batch, int(step.options["sequence"]) + index)


async def outcomes(ctx: CaseContext, step: Step) -> None:
    """`outcomes`: takes as many outcomes off a stream as `expect` lists; a `failure` is a reason or a mapping."""
    source, timeout_s = _stream(ctx, step.value), within_s(ctx, step)
    wanted = ctx.resolve(step.options["expect"])
    if isinstance(wanted, list):
        wanted = [_outcome_matcher(one) for one in cast(list[Data], wanted)]
    count = expected_count(wanted)
    if count is None:
        raise StepFailed("`expect` of `outcomes` must say how many there are")
    least = count
    await source.wait(lambda: len(source.outcomes) >= least, timeout_s)
    got, source.outcomes = source.outcomes[:count], source.outcomes[count:]
    expect(wanted, got, "outcomes")
    save(ctx, step, got)


def _outcome_matcher(wanted: Data) -> Data:
    if "failure" not in wanted:
        return {"failure": {"$absent": True}, **wanted} if "answer" in wanted else wanted
    return {**wanted, "failure": status_matcher(wanted["failure"])}


async def end_pushes(ctx: CaseContext, step: Step) -> None:
    """`end_pushes`: ends the sending side; the stream ends as `ended` says, with OK by default."""
    source = _stream(ctx, step.value)
    await source.half_close()
    await _expect_end(ctx, step, source, step.options.get("ended", "OK"))


async def pushes_end(ctx: CaseContext, step: Step) -> None:
    """`pushes_end`: the server ends the stream, as `ended` says."""
    await _expect_end(ctx, step, _stream(ctx, step.value), step.options["ended"])


async def _expect_end(ctx: CaseContext, step: Step, source: PushStream, wanted: Any) -> None:
    await source.wait(lambda: source.end is not None, within_s(ctx, step))
    expect_end(ctx.resolve(wanted), source.end)


PUSH_STEPS: dict[str, Handler] = {
    "push_stream": push_stream,
    "send_batch": send_batch,
    "outcomes": outcomes,
    "end_pushes": end_pushes,
    "pushes_end": pushes_end,
}
"""Step kinds of this file."""
