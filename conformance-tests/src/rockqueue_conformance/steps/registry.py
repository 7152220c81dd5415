"""Every step kind by its key, with those that hold other steps: `repeat` and `eventually`."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from rockqueue_conformance.language.model import Step, step_from_data
from rockqueue_conformance.language.times import need_seconds
from rockqueue_conformance.steps.calls import CALL_STEPS
from rockqueue_conformance.steps.checking import Handler
from rockqueue_conformance.steps.context import CaseContext, StepFailed
from rockqueue_conformance.steps.control import CONTROL_STEPS
from rockqueue_conformance.steps.pushes import PUSH_STEPS
from rockqueue_conformance.steps.reading import READING_STEPS
from rockqueue_conformance.steps.receivers import RECEIVER_STEPS
from rockqueue_conformance.steps.streams import STREAM_STEPS
from rockqueue_conformance.steps.watches import WATCH_STEPS
from rockqueue_conformance.steps.work import WORK_STEPS

Data = dict[str, Any]


def with_nesting(plain: dict[str, Handler]) -> dict[str, Handler]:
    """The step kinds with those that hold others of them."""
    steps = dict(plain)
    kinds = frozenset(steps) | {"repeat", "eventually"}

    async def repeat(ctx: CaseContext, step: Step) -> None:
        """`repeat`: the steps, `times` over, with `${i}` counting from 0."""
        inside = [step_from_data(data, kinds) for data in cast(list[Data], step.value)]
        for index in range(int(ctx.resolve(step.options["times"]))):
            ctx.scope["i"] = index
            for inner in inside:
                await run_step(ctx, inner, steps)

    async def eventually(ctx: CaseContext, step: Step) -> None:
        """`eventually`: one step, tried until it passes or `within` is over.

        Only for what the contract gives no moment for.
        """
        inner = step_from_data(cast(Data, step.value), kinds)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + need_seconds(step.options["within"])
        while True:
            try:
                await run_step(ctx, inner, steps)
            except StepFailed:
                if loop.time() > deadline:
                    raise
                await asyncio.sleep(0.02)
            else:
                return

    steps["repeat"] = repeat
    steps["eventually"] = eventually
    return steps


STEPS = with_nesting(
    {
        **CALL_STEPS,
        **PUSH_STEPS,
        **STREAM_STEPS,
        **WATCH_STEPS,
        **READING_STEPS,
        **WORK_STEPS,
        **RECEIVER_STEPS,
        **CONTROL_STEPS,
    }
)
"""Every step kind of the case language of the server mode."""

KINDS = frozenset(STEPS)
"""Their keys."""


async def run_step(ctx: CaseContext, step: Step, steps: dict[str, Handler] = STEPS) -> None:
    """Runs one step; StepFailed when what came does not fit, or when a delivery broke a rule that always holds."""
    try:
        await steps[step.kind](ctx, step)
    except StepFailed as failed:
        raise StepFailed(failed.problems + ctx.oracle.flaws) from None
    if ctx.oracle.flaws:
        raise StepFailed(ctx.oracle.flaws)
