"""Steps about webhooks: receivers that answer as the case says, and what they were sent."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from rockqueue_conformance.language.model import Step
from rockqueue_conformance.language.times import need_seconds
from rockqueue_conformance.steps.checking import Handler, expect, expected_count, save, within_s
from rockqueue_conformance.steps.context import QUIET_S, CaseContext, StepFailed
from rockqueue_conformance.wire.receiver import Receiver, Request, flaws, request_data

Data = dict[str, Any]


async def receiver(ctx: CaseContext, step: Step) -> None:
    """`receiver`: opens a receiver, `${name.url}`; of one that is open it replaces answers and secrets.

    `answers` are mappings of `status` (204 unless set), `headers`, `body` and `delay`, in real time; the last one holds
    for ever. `secrets` names the secrets that it knows.
    """
    name = str(step.value)
    found = ctx.receivers.get(name)
    if found is None:
        found = ctx.receivers[name] = Receiver(f"/{ctx.scope['queue']}/{name}", ctx.note)
        await found.start()
        ctx.scope[name] = {"url": found.url}
    if "answers" in step.options:
        found.answers = [_answer(one) for one in cast(list[Data], ctx.resolve(step.options["answers"]))]
        found.answered = 0
    if "secrets" in step.options:
        found.secrets = cast(dict[str, str], ctx.resolve(step.options["secrets"]))


async def received(ctx: CaseContext, step: Step) -> None:
    """`received`: takes as many requests as `expect` lists, as they came.

    With `distinct` a request that was sent before, with the same id, counts once: a server that was killed sends again
    what it had not noted. `more: false` demands that nothing else came; `at_once` tells how many came at the same time.
    """
    source = ctx.receivers.get(str(step.value))
    if source is None:
        raise StepFailed(f"no receiver {step.value!r} is open")
    wanted = ctx.resolve(step.options.get("expect", []))
    count, distinct = expected_count(wanted), bool(step.options.get("distinct"))
    if count is None:
        raise StepFailed("expect must say how many requests come")
    deadline = asyncio.get_running_loop().time() + within_s(ctx, step)
    while len(_open(source, distinct=distinct)) < count:
        left_s = deadline - asyncio.get_running_loop().time()
        if not await source.wait(len(source.requests) + 1, max(0.0, left_s)):
            break
    if step.options.get("more") is False:
        await ctx.settle_clock()
        await asyncio.sleep(QUIET_S)
        count = len(source.requests)
    taken = _open(source, distinct=distinct)[:count]
    source.taken = source.requests.index(taken[-1]) + 1 if taken else source.taken
    if found := [flaw for request in taken for flaw in flaws(request, source.secrets)]:
        raise StepFailed(found)
    data = [request_data(request, source.secrets) for request in taken]
    expect(wanted, data, "requests")
    if "at_once" in step.options:
        expect(ctx.resolve(step.options["at_once"]), source.most_at_once, "at once")
    save(ctx, step, data)


def _answer(said: Data) -> Data:
    return {**said, "delay_s": need_seconds(said.get("delay", "0s"))}


def _open(source: Receiver, *, distinct: bool) -> list[Request]:
    """What came and was not looked at."""
    fresh = source.requests[source.taken :]
    if not distinct:
        return fresh
    seen = {request.headers.get("webhook-id") for request in source.requests[: source.taken]}
    first: list[Request] = []
    for request in fresh:
        if request.headers.get("webhook-id") not in seen:
            seen.add(request.headers.get("webhook-id"))
            first.append(request)
    return first


RECEIVER_STEPS: dict[str, Handler] = {"receiver": receiver, "received": received}
"""Step kinds of this file."""
