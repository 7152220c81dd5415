"""One variant of a case, from a prepared server to a verdict."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from rockqueue_conformance.language.model import Step, Variant
from rockqueue_conformance.language.values import UnknownVariable
from rockqueue_conformance.steps.context import CaseContext, StepFailed
from rockqueue_conformance.steps.control import restart_server, verify_store
from rockqueue_conformance.steps.registry import run_step
from rockqueue_conformance.target.process import ServerTrouble
from rockqueue_conformance.target.slot import Slot
from rockqueue_conformance.wire.connection import CallFailed
from rockqueue_conformance.wire.convert import BadMessage

VARIANT_TIMEOUT_S = 60.0
"""The longest one variant may take."""

_numbers = itertools.count(1)


@dataclass(slots=True)
class Result:
    """The verdict on a variant: `passed`, `failed` or `skipped`, and what a reader needs to see why.

    `trouble` is set when it failed because the server did not start or answer, not because of what it answered.
    """

    variant: Variant
    outcome: str
    problems: list[str] = field(default_factory=list[str])
    step: str = ""
    frames: list[str] = field(default_factory=list[str])
    log: str = ""
    seconds: float = 0.0
    trouble: bool = False

    def fail(self, problems: list[str]) -> None:
        """Something was wrong."""
        self.outcome = "failed"
        self.problems += problems


def missing_needs(variant: Variant, slot: Slot) -> str:
    """Why the variant cannot run against this server; empty when it can."""
    case = variant.case
    if ("process" in case.needs or variant.crash_after is not None or case.fresh or case.server_args) and (
        not slot.can_crash
    ):
        return "the runner does not control the server's process"
    if "clock" in case.needs and not slot.has_clock:
        return "the server does not serve the testing clock"
    wanted = set(case.needs) - {"process", "clock"}
    if variant.delivery is not None:
        wanted.add("work_stream" if variant.delivery == "stream" else "pull_jobs")
    if variant.push == "push_stream":
        wanted.add("push_stream")
    lacking = sorted(name for name in wanted if not slot.capabilities.get(name))
    return f"the server does not claim {', '.join(lacking)}" if lacking else ""


async def execute(variant: Variant, slot: Slot) -> Result:
    """Runs one variant. Never raises for what a server does; a server that is in doubt is not used again."""
    began = time.monotonic()
    result = Result(variant, "passed")
    try:
        await slot.prepare(variant.case)
        if reason := missing_needs(variant, slot):
            return Result(variant, "skipped", [reason])
        async with asyncio.timeout(VARIANT_TIMEOUT_S):
            await _run(variant, slot, result)
    except TimeoutError:
        result.fail([f"the case was not over after {VARIANT_TIMEOUT_S:.0f} s"])
    except ServerTrouble as trouble:
        result.fail([str(trouble)])
        result.trouble = True
    if result.outcome == "failed":
        result.log = slot.log_tail()
        slot.spoil()
    result.seconds = time.monotonic() - began
    return result


def unique_queue(variant: Variant) -> str:
    """A queue name that no other variant of this run has."""
    return f"c{next(_numbers)}-" + re.sub(r"[^a-z0-9_]", "_", variant.case.name)[:60]


async def _run(variant: Variant, slot: Slot, result: Result) -> None:
    ctx = CaseContext(slot, variant, unique_queue(variant))
    async with judging(ctx, result):
        await _steps(ctx, variant, result)
        _leftovers(ctx)
        result.step = "after the case"
        if slot.has_clock:
            await verify_books(ctx)


@contextlib.asynccontextmanager
async def judging(ctx: CaseContext, result: Result) -> AsyncGenerator[None]:
    """A case runs inside of it: what went wrong goes into the result, and the context is closed at the end."""
    try:
        yield
    except StepFailed as failed:
        result.fail(failed.problems)
    except CallFailed as failed:
        result.fail([f"a call of the runner failed: {failed}"])
    except (BadMessage, UnknownVariable, KeyError, ValueError, TypeError, AttributeError) as error:
        result.fail([f"the case is broken: {type(error).__name__}: {error}"])
    finally:
        result.frames = list(ctx.frames)
        ctx.slot.now = ctx.scope["now"]
        await ctx.close()


async def verify_books(ctx: CaseContext) -> None:
    """Counters, indexes and records of a server that still runs agree."""
    if ctx.slot.process is None or ctx.slot.process.running:
        await verify_store(ctx, Step("verify_store", True))


async def _steps(ctx: CaseContext, variant: Variant, result: Result) -> None:
    await ctx.freeze()
    for number, step in enumerate(variant.case.steps, start=1):
        result.step = f"step {number}: {step}"
        await run_step(ctx, step)
        if number == variant.crash_after and not ctx.background:
            result.step = f"the crash after {result.step}"
            await restart_server(ctx, Step("restart_server", "kill"))


def _leftovers(ctx: CaseContext) -> None:
    """A delivery that no step expected is a failure."""
    for name, stream in ctx.streams.items():
        if stream.deliveries:
            raise StepFailed(f"deliveries came on {name} that no step expected: {stream.deliveries}")
    for name, watch in ctx.watches.items():
        if watch.flaws:
            raise StepFailed([f"watch {name}: {flaw}" for flaw in watch.flaws])
