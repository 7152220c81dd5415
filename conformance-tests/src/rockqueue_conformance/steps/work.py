"""Steps that work on jobs in neutral words: the same step runs over `Work` or over `PullJobs`, as the variant says."""

from __future__ import annotations

from typing import Any, cast

from rockqueue_conformance.language.model import Step
from rockqueue_conformance.language.times import need_duration_ns
from rockqueue_conformance.steps.checking import (
    Handler,
    check_answer,
    expect,
    expect_answer,
    expected_count,
    status_matcher,
    within_s,
)
from rockqueue_conformance.steps.context import CaseContext, StepFailed
from rockqueue_conformance.steps.streams import fence, keep_deliveries, open_session
from rockqueue_conformance.wire.work_stream import WorkStream

Data = dict[str, Any]

OK_STATUS: Data = {"code": 0, "reason": "", "message": "", "metadata": {}}


async def take(ctx: CaseContext, step: Step) -> None:
    """`take`: up to so many jobs, at once. `expect` is the list of deliveries, in order; `[]` means there are none."""
    most = int(ctx.resolve(step.value))
    wanted = ctx.resolve(step.options.get("expect", {"$len": most}))
    count = expected_count(wanted)
    got, name = await take_jobs(ctx, step, most, count)
    expect(wanted, got, "deliveries")
    keep_deliveries(ctx, step, got, name)


async def take_jobs(ctx: CaseContext, step: Step, most: int, count: int | None) -> tuple[list[Data], str]:
    """Takes jobs as the variant delivers them; `count` is how many are expected, None when that is open."""
    queues = ctx.resolve(step.options.get("queues", [ctx.scope["queue"]]))
    options: Data = {"queues": queues, "worker": ctx.resolve(step.options.get("worker", "worker"))}
    if "lease" in step.options:
        options["lease"] = step.options["lease"]
    if ctx.variant.delivery == "stream":
        return await _take_by_stream(ctx, options, most, count, within_s(ctx, step))
    return await _take_by_pull(ctx, options, most, within_s(ctx, step)), ""


async def _take_by_pull(ctx: CaseContext, options: Data, most: int, timeout_s: float) -> list[Data]:
    got: list[Data] = []
    while len(got) < most:
        request = {**options, "max_jobs": most - len(got), "timeout": "0s"}
        response = await ctx.call("WorkService.PullJobs", request, timeout_s)
        if not response["deliveries"]:
            break
        got += response["deliveries"]
    return got


async def _take_by_stream(
    ctx: CaseContext, options: Data, most: int, count: int | None, timeout_s: float
) -> tuple[list[Data], str]:
    """A session for each take: credits for all that may come; what is left of them is taken back by Drain."""
    name = f"take-{len(ctx.streams) + 1}"
    source = await open_session(ctx, name, options, timeout_s)
    await source.send({"credits": {"credits": most}})
    if count is not None:
        await source.wait(lambda: len(source.deliveries) >= min(count, most), timeout_s)
    if len(source.deliveries) < most:
        await fence(ctx, source, timeout_s)
    if source.credits > 0:
        await source.send({"drain": {}})
    got, source.deliveries = source.deliveries, []
    return got, name


async def settle(ctx: CaseContext, step: Step) -> None:
    """`settle`: a list of settlements, each `of` a saved delivery or with its own `lease_token`.

    All must be carried out unless `expect` lists a status for each.
    """
    entries = [_entry(ctx, entry) for entry in cast(list[Data], ctx.resolve(step.value))]
    statuses = await settle_entries(ctx, entries, within_s(ctx, step))
    wanted = cast(list[Any], ctx.resolve(step.options.get("expect", ["OK"] * len(entries))))
    expect([status_matcher(one) for one in wanted], statuses, "results")


def _entry(ctx: CaseContext, entry: Data) -> Data:
    if "of" not in entry:
        return entry
    delivery = ctx.scope.get(entry["of"])
    if not isinstance(delivery, dict):
        raise StepFailed(f"no delivery was saved as {entry['of']!r}")
    rest = {key: value for key, value in entry.items() if key != "of"}
    return {"lease_token": cast(Data, delivery)["lease_token"], **rest}


async def settle_entries(ctx: CaseContext, entries: list[Data], timeout_s: float) -> list[Data]:
    """Settles each lease on the stream that brought it while that is open, and by SettleJobs otherwise."""
    statuses: list[Data] = [dict(OK_STATUS) for _ in entries]
    by_stream: dict[str, list[int]] = {}
    for index, entry in enumerate(entries):
        name = ctx.stream_of.get(entry.get("lease_token", ""), "")
        alive = name in ctx.streams and ctx.streams[name].end is None
        by_stream.setdefault(name if alive else "", []).append(index)
    for name, indexes in by_stream.items():
        chosen = [entries[index] for index in indexes]
        if name:
            results = await _settle_on_stream(ctx.streams[name], chosen, timeout_s)
        else:
            response = await ctx.call("WorkService.SettleJobs", {"settlements": chosen}, timeout_s)
            results = cast(list[Data], response["results"])
        if len(results) != len(chosen):
            raise StepFailed(f"{len(chosen)} settlements were sent, {len(results)} results came back")
        for index, status in zip(indexes, results, strict=True):
            statuses[index] = status
    return statuses


async def _settle_on_stream(source: WorkStream, entries: list[Data], timeout_s: float) -> list[Data]:
    sequence = source.next_sequence()
    await source.send({"settlements": {"sequence": sequence, "settlements": entries}})
    if not await source.wait(lambda: sequence in source.settled, timeout_s):
        raise StepFailed(f"no results for the settlements {sequence}; the stream ended with {source.end}")
    results = [dict(OK_STATUS) for _ in entries]
    for failure in source.settled[sequence]["failures"]:
        results[int(failure["index"])] = failure["status"]
    return results


async def extend(ctx: CaseContext, step: Step) -> None:
    """`extend`: keeps the leases of saved deliveries: a heartbeat on their streams, or ExtendLeases."""
    tokens = [ctx.scope[name]["lease_token"] for name in cast(list[str], step.value)]
    names = {ctx.stream_of.get(token, "") for token in tokens}
    for name in names - {""}:
        source = ctx.streams[name]
        sequence = source.next_sequence()
        await source.send({"heartbeat": {"sequence": sequence}})
        if not await source.wait(lambda s=source, n=sequence: n in s.heartbeats, within_s(ctx, step)):
            raise StepFailed(f"a heartbeat was not answered; the stream ended with {source.end}")
    pulled = [token for token in tokens if not ctx.stream_of.get(token)]
    if pulled:
        response = await ctx.call("WorkService.ExtendLeases", {"lease_tokens": pulled}, within_s(ctx, step))
        expect([{"status": status_matcher("OK")}] * len(pulled), response["leases"], "leases")


async def asked_to_stop(ctx: CaseContext, step: Step) -> None:
    """`asked_to_stop`: the worker of a delivery learns that it should stop; `expect` speaks of CancelRequest."""
    delivery = ctx.scope[step.value]
    token = delivery["lease_token"]
    name = ctx.stream_of.get(token, "")
    if not name:
        response = await ctx.call("WorkService.ExtendLeases", {"lease_tokens": [token]}, within_s(ctx, step))
        expect([{"status": status_matcher("OK"), "cancel_requested": True}], response["leases"], "leases")
        return
    source = ctx.streams[name]
    await source.wait(lambda: any(one["lease_token"] == token for one in source.cancels), within_s(ctx, step))
    mine = [one for one in source.cancels if one["lease_token"] == token]
    source.cancels = [one for one in source.cancels if one["lease_token"] != token]
    rule = {"job_id": delivery["job_id"], "cause": "CANCEL_CAUSE_REQUESTED"}
    expect([{**rule, **ctx.resolve(step.options.get("expect", {}))}], mine, "cancels")


async def report(ctx: CaseContext, step: Step) -> None:
    """`report`: progress and log lines of a saved delivery, on its stream or along with ExtendLeases."""
    token = ctx.scope[step.value]["lease_token"]
    said = {"lease_token": token, **ctx.resolve(step.options["message"])}
    name = ctx.stream_of.get(token, "")
    if not name:
        request = {"lease_tokens": [token], "reports": [said]}
        await ctx.call("WorkService.ExtendLeases", request, within_s(ctx, step))
        return
    await ctx.streams[name].send({"reports": {"reports": [said]}})
    await fence(ctx, ctx.streams[name], within_s(ctx, step))


async def work(ctx: CaseContext, step: Step) -> None:
    """`work`: a worker whose handlers are data.

    It takes and settles until `until` deliveries were handled, and turns the clock by `idle` when there is nothing to
    do; `expect` and `save` speak of the list of runs.
    """
    handlers = cast(dict[str, list[Data]], ctx.resolve(step.value))
    until, most = int(ctx.resolve(step.options["until"])), int(step.options.get("window", 10))
    idle_ns, patience = need_duration_ns(step.options.get("idle", "1s")), int(step.options.get("patience", 20))
    runs: list[Data] = []
    while len(runs) < until:
        got, name = await take_jobs(ctx, step, min(most, until - len(runs)), None)
        if not got:
            patience -= 1
            if patience < 0:
                raise StepFailed(f"after {len(runs)} of {until} runs there was nothing more to do: {runs}")
            await ctx.advance_clock(idle_ns)
            continue
        for delivery in got:
            ctx.stream_of[delivery["lease_token"]] = name
        entries = [{"lease_token": one["lease_token"], **_outcome(handlers, one)} for one in got]
        statuses = await settle_entries(ctx, entries, within_s(ctx, step))
        runs += [_run(ctx, one, entry) for one, entry in zip(got, entries, strict=True)]
        expect([status_matcher("OK")] * len(entries), statuses, "results")
    check_answer(ctx, step, runs)


def _outcome(handlers: dict[str, list[Data]], delivery: Data) -> Data:
    """What the handler of the job's name does on this attempt; its last outcome goes on for ever."""
    script = handlers.get(delivery["spec"]["name"]) or handlers.get("*")
    if script is None:
        raise StepFailed(f"no handler for a job named {delivery['spec']['name']!r}")
    return script[min(int(delivery["attempt"]), len(script)) - 1]


def _run(ctx: CaseContext, delivery: Data, entry: Data) -> Data:
    outcome = next(key for key in entry if key != "lease_token")
    return {
        "job_id": delivery["job_id"],
        "name": delivery["spec"]["name"],
        "attempt": delivery["attempt"],
        "failures": delivery["failures"],
        "payload": delivery["spec"]["payload"],
        "outcome": outcome,
        "at": ctx.scope["now"],
    }


async def settle_jobs(ctx: CaseContext, step: Step) -> None:
    """`settle_jobs`: SettleJobs itself, whatever the variant; `expect` lists a status for each entry."""
    entries = [_entry(ctx, entry) for entry in cast(list[Data], ctx.resolve(step.value))]
    answer = ctx.call("WorkService.SettleJobs", {"settlements": entries}, within_s(ctx, step))
    response = await expect_answer(ctx, step, answer)
    if response is not None:
        wanted = cast(list[Any], ctx.resolve(step.options.get("expect", ["OK"] * len(entries))))
        expect([status_matcher(one) for one in wanted], response["results"], "results")


WORK_STEPS: dict[str, Handler] = {
    "take": take,
    "settle": settle,
    "settle_jobs": settle_jobs,
    "extend": extend,
    "asked_to_stop": asked_to_stop,
    "report": report,
    "work": work,
}
"""Step kinds of this file."""
