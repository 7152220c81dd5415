"""What steps share: expecting a result or an error, saving parts of it, and how long to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from rockqueue_conformance.language.match import match
from rockqueue_conformance.language.model import Step
from rockqueue_conformance.language.paths import NoSuchPath, get_path
from rockqueue_conformance.language.times import need_seconds
from rockqueue_conformance.steps.context import CaseContext, StepFailed
from rockqueue_conformance.wire.connection import CallFailed
from rockqueue_conformance.wire.errors import CODE_NUMBERS, CODE_OF_REASON, CallError

Data = dict[str, Any]
Handler = Callable[[CaseContext, Step], Awaitable[None]]


def within_s(ctx: CaseContext, step: Step, default_s: float | None = None) -> float:
    """The step's `within` in seconds."""
    text = step.options.get("within")
    if text is None:
        return default_s if default_s is not None else ctx.slot.patience_s
    return need_seconds(text)


async def expect_answer(ctx: CaseContext, step: Step, answer: Awaitable[Data]) -> Data | None:
    """Awaits a call and checks it against the step's `expect` or `error`; None when an error was expected and came."""
    wanted = ctx.resolve(step.options.get("error"))
    try:
        response = await answer
    except CallFailed as failed:
        if wanted is None:
            raise StepFailed(f"the call failed: {failed}") from None
        expect(error_matcher(wanted), failed.error.to_data(), "error")
        save(ctx, step, failed.error.to_data())
        return None
    except asyncio.CancelledError:
        raise
    if wanted is not None:
        raise StepFailed(f"expected the error {wanted}, got the answer {response}")
    return response


def check_answer(ctx: CaseContext, step: Step, response: Any) -> None:
    """Checks a result against the step's `expect`, and saves what the step asks for."""
    if "expect" in step.options:
        expect(ctx.resolve(step.options["expect"]), response)
    save(ctx, step, response)


def expect(wanted: Any, got: Any, path: str = "") -> None:
    """StepFailed with every mismatch."""
    if found := match(wanted, got, path):
        raise StepFailed(found)


def save(ctx: CaseContext, step: Step, data: Any) -> None:
    """Sets the variables of `save`: a mapping (variable: path; `.` is the whole), a name, or names of list entries."""
    wanted = step.options.get("save", {})
    if isinstance(wanted, str):
        ctx.scope[wanted] = data
        return
    if isinstance(wanted, list):
        ctx.scope.update(zip(cast(list[str], wanted), data, strict=False))
        return
    for variable, path in cast(dict[str, str], wanted).items():
        try:
            ctx.scope[variable] = data if path == "." else get_path(data, path)
        except NoSuchPath as error:
            raise StepFailed(f"cannot save {variable}: {error}") from None


def error_matcher(wanted: Any) -> Data:
    """`LEASE_LOST`, or a mapping, as a matcher for an error; the code follows from the reason unless given."""
    rule: Data = {"reason": wanted} if isinstance(wanted, str) else dict(cast(Data, wanted))
    reason = rule.get("reason")
    if isinstance(reason, str) and reason in CODE_OF_REASON and "code" not in rule:
        rule["code"] = CODE_OF_REASON[reason]
    return rule


def status_matcher(wanted: Any) -> Data:
    """`OK`, `LEASE_LOST`, or a mapping, as a matcher for an EntryStatus."""
    if wanted == "OK":
        return {"code": 0, "reason": "", "message": "", "metadata": {"$len": 0}}
    rule = error_matcher(wanted)
    code = rule.get("code")
    return {**rule, "code": CODE_NUMBERS[code]} if isinstance(code, str) else rule


def expect_end(wanted: Any, end: CallError | None) -> None:
    """Checks how a stream ended: `OK`, a reason, or a mapping."""
    if end is None:
        raise StepFailed(f"expected the stream to end with {wanted}; it goes on")
    rule = {"code": "OK"} if wanted == "OK" else error_matcher(wanted)
    expect(rule, end.to_data(), "end")


def expected_count(wanted: Any) -> int | None:
    """How many entries a matcher for a list asks for; None when it leaves that open."""
    if isinstance(wanted, list):
        return len(cast(list[Any], wanted))
    if isinstance(wanted, dict) and len(cast(Data, wanted)) == 1:
        ((key, inner),) = cast(Data, wanted).items()
        if key == "$unordered":
            return len(cast(list[Any], inner))
        if key == "$len" and isinstance(inner, int):
            return inner
        if key == "$all_of":
            counts = [count for part in cast(list[Any], inner) if (count := expected_count(part)) is not None]
            return counts[0] if counts else None
    return None
