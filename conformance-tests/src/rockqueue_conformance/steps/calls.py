"""Steps that make unary calls: any RPC, its short forms, many at once, and calls in the background."""

from __future__ import annotations

import asyncio
import copy
from typing import Any, cast

from rockqueue_conformance.language.model import Step
from rockqueue_conformance.language.paths import set_path
from rockqueue_conformance.language.values import resolve
from rockqueue_conformance.steps.checking import (
    Handler,
    check_answer,
    error_matcher,
    expect,
    expect_answer,
    save,
    within_s,
)
from rockqueue_conformance.steps.context import Background, CaseContext, StepFailed
from rockqueue_conformance.wire.connection import CallFailed

Data = dict[str, Any]

MOST_PAGES = 500
"""A listing of more pages than this has no end."""


def raw_bytes(parts: Any) -> bytes:
    """The bytes of `[{hex: "0a00", times: 3}, {utf8: "text"}]`."""
    whole = b""
    for part in cast(list[Data], parts):
        piece = bytes.fromhex(part["hex"]) if "hex" in part else str(part["utf8"]).encode()
        whole += piece * int(part.get("times", 1))
    return whole


async def call(ctx: CaseContext, step: Step) -> None:
    """`call`: one RPC, `times` of them in turn or `parallel`, or one that goes on in the background (`start`)."""
    if "parallel" in step.options or "times" in step.options:
        await _many(ctx, step)
        return
    request = _request(step, ctx.scope)
    answer = ctx.call(step.value, request, within_s(ctx, step))
    if "start" in step.options:
        ctx.background[step.options["start"]] = Background(step.value, asyncio.create_task(answer))
        await asyncio.sleep(0)
        await ctx.settle_clock()
        return
    response = await expect_answer(ctx, step, answer)
    if response is not None:
        check_answer(ctx, step, response)


def _request(step: Step, scope: Data) -> Any:
    if "raw" in step.options:
        return raw_bytes(resolve(step.options["raw"], scope))
    return resolve(step.options.get("request", {}), scope)


async def _many(ctx: CaseContext, step: Step) -> None:
    """Makes the call several times; the answers are a list of `{response: ...}` or `{error: ...}` in call order."""
    at_once = "parallel" in step.options
    count = int(ctx.resolve(step.options["parallel" if at_once else "times"]))
    timeout_s = within_s(ctx, step)

    async def one(index: int) -> Data:
        try:
            request = _request(step, {**ctx.scope, "i": index})
            return {"response": await ctx.call(step.value, request, timeout_s)}
        except CallFailed as failed:
            return {"error": failed.error.to_data()}

    if at_once:
        answers = list(await asyncio.gather(*(one(index) for index in range(count))))
    else:
        answers = [await one(index) for index in range(count)]
    wanted = step.options.get("expect")
    if wanted is None and (bad := [answer for answer in answers if "error" in answer]):
        raise StepFailed(f"{len(bad)} of {count} calls failed, such as {bad[0]}")
    check_answer(ctx, step, answers)


async def finish(ctx: CaseContext, step: Step) -> None:
    """`finish`: waits for a background call and checks its answer; with `either` it may have failed too."""
    pending = ctx.background.pop(step.value, None)
    if pending is None:
        raise StepFailed(f"no call {step.value!r} goes on in the background")

    async def answer() -> Data:
        async with asyncio.timeout(within_s(ctx, step)):
            return await pending.task

    try:
        response = await expect_answer(ctx, step, answer())
    except StepFailed:
        if step.options.get("either"):
            return
        raise
    except TimeoutError:
        raise StepFailed(f"{pending.method} was not answered within {within_s(ctx, step):.0f} s") from None
    if response is not None:
        check_answer(ctx, step, response)


async def pending(ctx: CaseContext, step: Step) -> None:
    """`pending`: a background call has not been answered yet."""
    await ctx.settle_clock()
    await asyncio.sleep(0.03)
    task = ctx.background[step.value].task
    if task.done():
        raise StepFailed(f"{ctx.background[step.value].method} was answered already: {task}")


def with_defaults(ctx: CaseContext, jobs: list[Data]) -> list[Data]:
    """Jobs for `${queue}` with the name `task`, unless they say otherwise."""
    return [{"queue": ctx.scope["queue"], "name": "task", **job} for job in jobs]


async def push(ctx: CaseContext, step: Step) -> None:
    """`push`: PushJobs; jobs go to `${queue}` and are named `task` unless they say so. `save` names their ids."""
    jobs = with_defaults(ctx, ctx.resolve(step.value))
    request: Data = {"jobs": jobs}
    for key in ("request_id", "durability"):
        if key in step.options:
            request[key] = ctx.resolve(step.options[key])
    response = await expect_answer(ctx, step, ctx.call("JobService.PushJobs", request, within_s(ctx, step)))
    if response is None:
        return
    if len(response["jobs"]) != len(jobs):
        raise StepFailed(f"{len(jobs)} jobs were pushed, {len(response['jobs'])} entries came back")
    if "expect" in step.options:
        expect(ctx.resolve(step.options["expect"]), response)
    by_path = isinstance(step.options.get("save"), dict)
    save(ctx, step, response if by_path else [pushed["job_id"] for pushed in response["jobs"]])


async def job(ctx: CaseContext, step: Step) -> None:
    """`job`: GetJob; `expect` and `save` speak of the Job."""
    request = {"job_id": ctx.resolve(step.value)}
    response = await expect_answer(ctx, step, ctx.call("JobService.GetJob", request, within_s(ctx, step)))
    if response is not None:
        check_answer(ctx, step, response["job"])


async def queue(ctx: CaseContext, step: Step) -> None:
    """`queue`: GetQueue; `expect` and `save` speak of the Queue."""
    request = {"queue": ctx.resolve(step.value)}
    response = await expect_answer(ctx, step, ctx.call("QueueService.GetQueue", request, within_s(ctx, step)))
    if response is not None:
        check_answer(ctx, step, response["queue"])


async def list_all(ctx: CaseContext, step: Step) -> None:
    """`list_all`: follows page tokens to the end; `expect` and `save` speak of all entries, `pages` of page sizes."""
    entries: list[Any] = []
    sizes: list[int] = []
    token = ""
    while True:
        request = {**ctx.resolve(step.options.get("request", {})), "page_token": token}
        response = await ctx.call(step.value, request, within_s(ctx, step))
        page = next(cast(list[Any], value) for value in response.values() if isinstance(value, list))
        entries += page
        sizes.append(len(page))
        token = response["next_page_token"]
        if not token:
            break
        if len(sizes) > MOST_PAGES:
            raise StepFailed(f"more than {MOST_PAGES} pages: the listing does not end")
    if "pages" in step.options:
        expect(ctx.resolve(step.options["pages"]), sizes, "pages")
    check_answer(ctx, step, entries)


async def rejects(ctx: CaseContext, step: Step) -> None:
    """`rejects`: the call with one bad field after the other; each must fail and name the field."""
    problems: list[str] = []
    for row in cast(list[Data], step.options["rows"]):
        request = copy.deepcopy(ctx.resolve(step.options.get("request", {})))
        for path, value in cast(Data, row["set"]).items():
            set_path(request, path, ctx.resolve(value))
        wanted = error_matcher(row.get("error", "INVALID_FIELD"))
        if "field" in row:
            wanted["fields"] = {"$contains": [row["field"]]}
            wanted.setdefault("metadata", {})
            wanted["metadata"] = {"field": row["field"], **wanted["metadata"]}
        try:
            await ctx.call(step.value, request, within_s(ctx, step))
            problems.append(f"{row['set']!r:.200} was accepted")
        except CallFailed as failed:
            try:
                expect(wanted, failed.error.to_data(), "error")
            except StepFailed as wrong:
                problems.append(f"{row['set']!r:.200}: {wrong}")
        except StepFailed as wrong:
            problems.append(f"{row['set']!r:.200}: {wrong}")
    if problems:
        raise StepFailed(problems)


CALL_STEPS: dict[str, Handler] = {
    "call": call,
    "finish": finish,
    "pending": pending,
    "push": push,
    "job": job,
    "queue": queue,
    "list_all": list_all,
    "rejects": rejects,
}
"""Step kinds of this file."""
