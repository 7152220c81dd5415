"""Steps about what lies between the SDK and the server: scripts, breaks, and what was seen on the wire."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from rockqueue_conformance.language.match import Mismatch, fits, match
from rockqueue_conformance.language.model import Step
from rockqueue_conformance.language.times import need_seconds
from rockqueue_conformance.sdk.context import SdkContext
from rockqueue_conformance.steps.calls import push as raw_push
from rockqueue_conformance.steps.checking import save, within_s
from rockqueue_conformance.steps.context import StepFailed

Data = dict[str, Any]

LOOKING_S = 5.0
"""How long a look at the wire waits for what is expected."""
_MOST_SHOWN = 500


async def script(ctx: SdkContext, step: Step) -> None:
    """`script`: rules for the calls and messages that come; an empty list takes all rules away."""
    rules = cast(list[Data], ctx.resolve(step.value))
    if rules:
        ctx.proxy.rules.add(rules)
    else:
        ctx.proxy.rules.clear()


async def network(ctx: SdkContext, step: Step) -> None:
    """`network`: what happens to the connections.

    `cut`, `stall` or `flow` them, `refuse` new ones, `rotate` them by GOAWAY every 150 ms, or pass N bytes a second.
    """
    relay = ctx.proxy.relay
    if step.value == "rotate":
        await ctx.proxy.rotate()
    elif step.value == "cut":
        relay.cut()
    elif step.value == "stall":
        relay.stall()
    elif step.value == "refuse":
        relay.refusing = True
        relay.cut()
    elif step.value == "flow":
        relay.flow()
    else:
        relay.bytes_per_s = float(ctx.resolve(step.value))


async def say(ctx: SdkContext, step: Step) -> None:
    """`say`: a message to a worker that its server did not say."""
    for stream in list(ctx.proxy.live.values()):
        if stream.worker == step.value:
            await stream.say(ctx.resolve(step.options["message"]))
            return
    raise StepFailed(f"{step.value} has no stream now")


async def wire(ctx: SdkContext, step: Step) -> None:
    """`wire`: the calls of a method that fit `only`, or the messages on `Work`, come to be as `expect` says.

    `in_order` lists what must be among them, one after the other.
    """
    only, wanted = ctx.resolve(step.options.get("only")), ctx.resolve(step.options.get("expect"))
    in_order = cast(list[Any], ctx.resolve(step.options.get("in_order", [])))
    problems: list[Mismatch] = []
    found: list[Data] = []
    async for _ in ctx.looks(within_s(ctx, step, LOOKING_S)):
        found = [one for one in ctx.proxy.records.of(step.value) if only is None or fits(only, one)]
        problems = match(wanted, found, step.value) if wanted is not None else []
        problems += _out_of_order(in_order, found)
        if not problems:
            break
    if problems:
        shown = [_short(one) for one in found[-12:]]
        raise StepFailed([str(problem) for problem in problems] + [f"seen: {one}" for one in shown])
    save(ctx, step, found)


def _out_of_order(wanted: list[Any], found: list[Data]) -> list[Mismatch]:
    left = iter(found)
    for index, matcher in enumerate(wanted):
        if not any(fits(matcher, one) for one in left):
            return [Mismatch(f"in_order[{index}]", repr(matcher), "nothing like it after those before")]
    return []


def _short(one: Data) -> str:
    text = repr({key: value for key, value in one.items() if key != "metadata"})
    return text if len(text) < _MOST_SHOWN else f"{text[:_MOST_SHOWN]} ..."


async def quiet(_: SdkContext, step: Step) -> None:
    """`quiet`: nothing is done for a moment, for what must not happen to have had its chance."""
    await asyncio.sleep(need_seconds(step.value))


async def stored(ctx: SdkContext, step: Step) -> None:
    """`stored`: jobs that the server has, pushed by the runner itself; `save` names their ids."""
    await raw_push(ctx, step)


NETWORK_STEPS = {"script": script, "network": network, "say": say, "wire": wire, "quiet": quiet, "stored": stored}
"""Step kinds of this file."""
