"""Steps about time, the server's life, and the flow of the case itself."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from rockqueue_conformance.language.model import Step
from rockqueue_conformance.language.times import need_duration_ns
from rockqueue_conformance.steps.checking import Handler, expect, within_s
from rockqueue_conformance.steps.context import CaseContext, StepFailed
from rockqueue_conformance.steps.streams import resume_stream
from rockqueue_conformance.target.process import ServerProcess, ServerTrouble
from rockqueue_conformance.wire.watch import Watch

Data = dict[str, Any]


async def advance(ctx: CaseContext, step: Step) -> None:
    """`advance`: turns the server's clock; everything that came due is done when the step is over."""
    await ctx.advance_clock(need_duration_ns(str(ctx.resolve(step.value))), within_s(ctx, step))


async def run_clock(ctx: CaseContext, _: Step) -> None:
    """`run_clock`: lets the server's clock run."""
    await ctx.call("ClockService.ResumeClock", {})


async def freeze_clock(ctx: CaseContext, _: Step) -> None:
    """`freeze_clock`: stops the server's clock where it is."""
    await ctx.freeze()


def _process(ctx: CaseContext) -> ServerProcess:
    if ctx.slot.process is None:
        raise StepFailed("the runner has no process to control")
    return ctx.slot.process


async def kill_server(ctx: CaseContext, _: Step) -> None:
    """`kill_server`: SIGKILL. Streams and watches break."""
    await _process(ctx).kill()


async def signal_server(ctx: CaseContext, step: Step) -> None:
    """`signal_server`: sends a signal and goes on."""
    _process(ctx).send_signal(step.value)
    await asyncio.sleep(0.05)


async def wait_exit(ctx: CaseContext, step: Step) -> None:
    """`wait_exit`: the server process ends with this exit code."""
    try:
        code = await _process(ctx).wait_exit(within_s(ctx, step))
    except ServerTrouble as trouble:
        raise StepFailed(str(trouble)) from None
    expect(ctx.resolve(step.value), code, "exit code")


async def start_server(ctx: CaseContext, step: Step) -> None:
    """`start_server`: starts the server again on the same files and stops its clock."""
    await _process(ctx).start(extra=tuple(step.options.get("args", ())))
    await ctx.slot.connect()
    await ctx.freeze()


async def restart_server(ctx: CaseContext, step: Step) -> None:
    """`restart_server`: `kill` or `stop`, start, and reconnect what was connected, as the contract tells clients to.

    A stop finds sessions whose workers hang up without a goodbye when they are asked to drain.
    """
    process = _process(ctx)
    if step.value == "kill":
        await process.kill()
    else:
        process.send_signal("SIGTERM")
        await asyncio.gather(*(stream.hang_up() for stream in ctx.streams.values()))
        await process.wait_exit(within_s(ctx, step, 15.0))
    await start_server(ctx, Step("start_server", None))
    await reconnect(ctx)


async def reconnect(ctx: CaseContext) -> None:
    """Resumes sessions with the leases they hold and the credits they had left, and watches at their cursors."""
    for name, stream in list(ctx.streams.items()):
        if stream.broken or stream.opened is None:
            continue
        left = stream.credits
        await resume_stream(ctx, name, {}, ctx.slot.patience_s)
        if left > 0 and not name.startswith("take-"):
            await ctx.streams[name].send({"credits": {"credits": left}})
    for name, before in list(ctx.watches.items()):
        request = {"filter": before.request.get("filter", {}), "cursor": before.cursor}
        again = Watch(ctx.connection, request, ctx.note)
        again.events = before.events
        again.flaws = before.flaws
        ctx.watches[name] = again
        if not await again.wait(lambda w=again: w.responses > 0, ctx.slot.patience_s):
            raise StepFailed(f"no first response came; the watch ended with {again.end}")


async def check(ctx: CaseContext, step: Step) -> None:
    """`check`: a value made of variables fits `expect`."""
    expect(ctx.resolve(step.options["expect"]), ctx.resolve(step.value))


async def set_variables(ctx: CaseContext, step: Step) -> None:
    """`set`: variables from other variables."""
    for name, value in cast(Data, step.value).items():
        ctx.scope[name] = ctx.resolve(value)


async def verify_store(ctx: CaseContext, step: Step) -> None:
    """`verify_store`: counters, indexes and records of the whole store agree. Runs after every case by itself."""
    answer = await ctx.call("StoreService.VerifyStore", {}, within_s(ctx, step, 30.0))
    ctx.slot.count_jobs(int(answer["jobs"]))
    if answer["problems"]:
        ctx.slot.spoil()
        raise StepFailed([f"the books do not balance: {problem}" for problem in answer["problems"][:10]])


CONTROL_STEPS: dict[str, Handler] = {
    "advance": advance,
    "run_clock": run_clock,
    "freeze_clock": freeze_clock,
    "kill_server": kill_server,
    "signal_server": signal_server,
    "wait_exit": wait_exit,
    "start_server": start_server,
    "restart_server": restart_server,
    "check": check,
    "set": set_variables,
    "verify_store": verify_store,
}
"""Step kinds of this file."""
