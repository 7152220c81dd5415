"""Steps that use the SDK: one command of its driver each, and short forms of those that come often."""

from __future__ import annotations

import json
from typing import Any, cast

from rockqueue_conformance.language.match import fits
from rockqueue_conformance.language.model import Step
from rockqueue_conformance.protocol import driver_pb2 as pb
from rockqueue_conformance.sdk.context import SdkContext
from rockqueue_conformance.sdk.values import content, error_matcher, handlers, job, to_protocol
from rockqueue_conformance.steps.checking import check_answer, expect, save, within_s
from rockqueue_conformance.steps.context import StepFailed

Data = dict[str, Any]

DEFAULT_CONCURRENCY = 10


async def new_client(ctx: SdkContext, step: Step) -> None:
    """`new_client`: a client with options (`with`); others are opened with the SDK's defaults when they are named."""
    options = cast(Data, ctx.resolve(step.options.get("with", {})))
    if "error" not in step.options:
        await ctx.open_client(step, step.value, options, within_s(ctx, step))
        return
    wanted = {"client": step.value, "url": ctx.proxy.url, **options}
    await _judge(ctx, step, await ctx.command(step, "open_client", wanted, within_s(ctx, step)))


async def sdk(ctx: SdkContext, step: Step) -> None:
    """`sdk`: a command of the driver protocol by its name, `with` its fields.

    `client` is filled in. `start: name` lets it go on; `finish` takes its answer.
    """
    data = cast(Data, to_protocol(ctx.resolve(step.options.get("with", {}))))
    if "client" in _fields(step.value):
        data = {"client": await ctx.client(step, within_s(ctx, step)), **data}
    await _carry_out(ctx, step, step.value, data)


async def ask(ctx: SdkContext, step: Step) -> None:
    """`ask`: a call of the SDK by the name of its RPC, `with` its arguments as the driver protocol has them.

    `expect` speaks of what it returned. `start: name` lets it go on; `finish` takes its answer.
    """
    arguments = json.dumps(ctx.resolve(step.options.get("with", {})), ensure_ascii=False)
    client = await ctx.client(step, within_s(ctx, step))
    await _carry_out(ctx, step, "call", {"client": client, "method": step.value, "arguments": arguments})


def _fields(command: str) -> list[str]:
    found = pb.Command.DESCRIPTOR.fields_by_name[command].message_type
    assert found is not None
    return list(found.fields_by_name)


async def _carry_out(ctx: SdkContext, step: Step, command: str, data: Data) -> None:
    if "start" in step.options:
        ctx.answers[step.options["start"]] = ctx.begin(step, command, data)
        return
    await _judge(ctx, step, await ctx.command(step, command, data, within_s(ctx, step)))


async def refused_events(ctx: SdkContext, step: Step) -> None:
    """`refused_events`: an event stream that fails, when it is opened or when the first event is read."""
    name = "refused"
    data = {"client": await ctx.client(step, within_s(ctx, step)), "events": name, **ctx.resolve(step.value)}
    answer = await ctx.command(step, "open_events", data, within_s(ctx, step))
    if "error" not in answer:
        data = {"events": name, "count": 1, "timeout": "3s"}
        answer = await ctx.command(step, "read_events", data, within_s(ctx, step))
    await _judge(ctx, step, answer)


async def finish(ctx: SdkContext, step: Step) -> None:
    """`finish`: waits for a command that goes on: `expect`, `error`, `save`."""
    await _judge(ctx, step, await ctx.finish(step.value, within_s(ctx, step)))


async def unanswered(ctx: SdkContext, step: Step) -> None:
    """`unanswered`: a command that goes on has no answer yet."""
    answer = ctx.answers[step.value]
    if answer.done():
        raise StepFailed(f"{step.value} was answered already: {answer.result()}")


async def _judge(ctx: SdkContext, step: Step, answer: Data) -> None:
    if "unsupported" in answer:
        raise StepFailed("the driver does not know this command, or an option of it")
    outcome: Any = content(answer)
    if "pushes" in answer:
        outcome = _pushes(step, cast(list[Data], outcome))
        if "error" in outcome:
            answer = cast(Data, outcome)
            outcome = answer["error"]
    wanted = ctx.resolve(step.options.get("error"))
    if "error" in answer:
        if wanted is None:
            raise StepFailed(f"it failed: {outcome}")
        expect(error_matcher(wanted), outcome, "error")
    elif wanted is not None:
        raise StepFailed(f"expected the error {wanted}, got the answer {outcome}")
    else:
        check_answer(ctx, step, outcome)
        return
    save(ctx, step, outcome)


def _pushes(step: Step, outcomes: list[Data]) -> Any:
    """The outcome of a single push, or the list; a list is expected to hold no errors unless the step says."""
    if step.kind == "push" and isinstance(step.value, dict) and "copies" not in step.options:
        return outcomes[0].get("pushed", outcomes[0])
    failed = [one for one in outcomes if "error" in one]
    if failed and "expect" not in step.options:
        raise StepFailed(f"{len(failed)} of {len(outcomes)} pushes failed, such as {failed[0]}")
    return [one.get("pushed", one) for one in outcomes]


async def push(ctx: SdkContext, step: Step) -> None:
    """`push`: one job, or a list of jobs each by a push of its own; `save` names the id, or the ids."""
    await _push(ctx, step, "push", ("copies", "callers"))


async def push_many(ctx: SdkContext, step: Step) -> None:
    """`push_many`: jobs as one batch; `save` names the ids."""
    await _push(ctx, step, "push_many", ("copies", "durability", "timeout"))


async def _push(ctx: SdkContext, step: Step, command: str, options: tuple[str, ...]) -> None:
    given = ctx.resolve(step.value)
    jobs = cast(list[Data], given if isinstance(given, list) else [given])
    data: Data = {
        "client": await ctx.client(step, within_s(ctx, step)),
        "jobs": [job(one, ctx.scope["queue"]) for one in jobs],
        **{name: ctx.resolve(step.options[name]) for name in options if name in step.options},
    }
    named = step.options.get("save")
    if isinstance(named, dict) or named is None:
        await _carry_out(ctx, step, command, data)
        return
    answer = await ctx.command(step, command, data, within_s(ctx, step))
    await _judge(ctx, step, answer)
    ids = [one["pushed"]["id"] for one in answer["pushes"]["pushes"]]
    if isinstance(named, str):
        ctx.scope[named] = ids if isinstance(given, list) or len(ids) > 1 else ids[0]
    else:
        ctx.scope.update(zip(cast(list[str], named), ids, strict=False))


async def get(ctx: SdkContext, step: Step) -> None:
    """`get`: a job as the SDK shows it."""
    await _about_job(ctx, step, "get_job")


async def wait(ctx: SdkContext, step: Step) -> None:
    """`wait`: waits with the SDK until a job is finished; `timeout` is the SDK's."""
    await _about_job(ctx, step, "wait_job")


async def result(ctx: SdkContext, step: Step) -> None:
    """`result`: waits with the SDK for a job's result."""
    await _about_job(ctx, step, "get_result")


async def _about_job(ctx: SdkContext, step: Step, command: str) -> None:
    data: Data = {"client": await ctx.client(step, within_s(ctx, step)), "job_id": ctx.resolve(step.value)}
    if command != "get_job":
        data["timeout"] = step.options.get("timeout", f"{within_s(ctx, step):g}s")
    await _carry_out(ctx, step, command, data)


async def worker(ctx: SdkContext, step: Step) -> None:
    """`worker`: starts a worker of `${queue}` whose `handlers` are data."""
    options = {
        name: ctx.resolve(step.options[name])
        for name in ("concurrency", "prefetch", "lease", "resume_grace", "grace", "until_signalled", "stuck_after")
        if name in step.options
    }
    concurrency = int(options.get("concurrency", DEFAULT_CONCURRENCY))
    ctx.proxy.judge.windows[step.value] = concurrency + int(options.get("prefetch", concurrency))
    queue = ctx.scope["queue"]
    scripts = cast(Data, ctx.resolve(step.options["handlers"]))
    data: Data = {
        "client": await ctx.client(step, within_s(ctx, step)),
        "worker": step.value,
        "queues": ctx.resolve(step.options.get("queues", [queue])),
        "handlers": handlers(scripts, queue, silent=step.options.get("silent", False)),
        **options,
    }
    await _carry_out(ctx, step, "start_worker", data)


async def stop(ctx: SdkContext, step: Step) -> None:
    """`stop`: stops a worker in good order, within its `grace`."""
    grace = {"grace": step.options["grace"]} if "grace" in step.options else {}
    await _carry_out(ctx, step, "stop_worker", {"worker": step.value, **grace})


async def state(ctx: SdkContext, step: Step) -> None:
    """`state`: the state of a worker, as soon as it has it."""
    wanted = {"state": step.options["is"]}
    last: Any = None
    async for _ in ctx.looks(within_s(ctx, step)):
        last = content(await ctx.command(step, "get_worker", {"worker": step.value}, within_s(ctx, step)))
        if isinstance(last, dict) and cast(Data, last).get("state") == step.options["is"]:
            break
    expect(wanted, last, "worker")


async def gate(ctx: SdkContext, step: Step) -> None:
    """`gate`: opens a gate at which handlers wait."""
    await _carry_out(ctx, step, "open_gate", {"gate": step.value})


async def observe(ctx: SdkContext, step: Step) -> None:
    """`observe`: waits for observations that fit, in order (or `unordered`), each taken once."""
    matchers = cast(list[Any], ctx.resolve(step.value))
    role, in_order = ctx.role(step), not step.options.get("unordered", False)
    driver = ctx.drivers[role]
    found: list[Data] | None = None
    async for _ in ctx.looks(within_s(ctx, step)):
        found = ctx.take(role, matchers, in_order=in_order)
        if found is not None or not driver.running:
            break
    if found is None:
        raise StepFailed(f"expected {matchers}, observed {json.dumps(ctx.observations(role)[-12:], default=str)}")
    save(ctx, step, found)


async def observed(ctx: SdkContext, step: Step) -> None:
    """`observed`: what was observed so far and fits `only`, as a list, is as `expect` says; now, without waiting."""
    only = ctx.resolve(step.value)
    found = [one for one in ctx.observations(ctx.role(step)) if fits(only, one)]
    check_answer(ctx, step, found)


async def kill_driver(ctx: SdkContext, step: Step) -> None:
    """`kill_driver`: SIGKILL to the program that uses the SDK, or another signal."""
    if step.value == "SIGKILL":
        await ctx.driver(step).kill()
    else:
        ctx.driver(step).send_signal(step.value)


async def memory(ctx: SdkContext, step: Step) -> None:
    """`memory`: notes how much memory the program holds; with `growth` it has not grown by more MiB since then."""
    now = ctx.driver(step).memory_mib()
    if "growth" not in step.options:
        ctx.memory[step.value] = now
        return
    expect(ctx.resolve(step.options["growth"]), round(now - ctx.memory[step.value]), "MiB more")


COMMAND_STEPS = {
    "new_client": new_client,
    "sdk": sdk,
    "ask": ask,
    "refused_events": refused_events,
    "finish": finish,
    "unanswered": unanswered,
    "push": push,
    "push_many": push_many,
    "get": get,
    "wait": wait,
    "result": result,
    "worker": worker,
    "stop": stop,
    "state": state,
    "gate": gate,
    "observe": observe,
    "observed": observed,
    "kill_driver": kill_driver,
    "memory": memory,
}
"""Step kinds of this file."""
