"""One variant of an SDK case, from a prepared server and drivers to a verdict; and a whole run of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from rockqueue_conformance.language.model import Variant
from rockqueue_conformance.runner.execute import VARIANT_TIMEOUT_S, Result, judging, unique_queue, verify_books
from rockqueue_conformance.runner.suite import spread
from rockqueue_conformance.sdk.context import SdkContext
from rockqueue_conformance.sdk.drivers import DriverMissing, DriverSpec
from rockqueue_conformance.sdk.process import DriverProcess, DriverTrouble
from rockqueue_conformance.sdk.slot import SdkSlot
from rockqueue_conformance.sdk.steps.registry import SDK_STEPS
from rockqueue_conformance.steps.context import StepFailed
from rockqueue_conformance.steps.registry import run_step
from rockqueue_conformance.target.process import ServerTrouble

DEFAULT_ROLE = "driver"


async def run_sdk_variants(
    variants: Sequence[Variant],
    slots: Callable[[], SdkSlot],
    count: int,
    on_result: Callable[[Result], None],
    stop: Callable[[Result], bool] = lambda _: False,
) -> list[Result]:
    """Runs every variant once, as `spread` does."""
    return await spread(variants, slots, count, execute_sdk, on_result, stop)


async def prepare_drivers(drivers: Sequence[DriverSpec]) -> None:
    """Builds every driver; DriverMissing when one cannot be built."""
    for driver in drivers:
        await driver.prepare()


async def execute_sdk(variant: Variant, slot: SdkSlot) -> Result:
    """Runs one variant. Never raises for what an SDK, a driver or the server does."""
    began = time.monotonic()
    result = Result(variant, "passed")
    drivers: dict[str, DriverProcess] = {}
    try:
        await slot.prepare(variant.case)
        roles = variant.case.roles or (DEFAULT_ROLE,)
        drivers = dict(zip(roles, await slot.cast(variant.drivers), strict=True))
        if reason := _missing(variant, drivers, slot):
            return Result(variant, "skipped", [reason])
        async with asyncio.timeout(VARIANT_TIMEOUT_S):
            await _run(variant, slot, drivers, result)
    except TimeoutError:
        result.fail([f"the case was not over after {VARIANT_TIMEOUT_S:.0f} s"])
    except (ServerTrouble, DriverTrouble, DriverMissing) as trouble:
        result.fail([str(trouble)])
        result.trouble = True
    failed = result.outcome == "failed"
    if failed:
        logs = [slot.log_tail(), *(driver.log_tail() for driver in drivers.values())]
        result.log = "\n".join(log for log in logs if log)
        slot.spoil()
    await slot.end_case(drivers.values(), spoiled=failed)
    result.seconds = time.monotonic() - began
    return result


def _missing(variant: Variant, drivers: dict[str, DriverProcess], slot: SdkSlot) -> str:
    """Why the variant cannot run: a feature that an SDK need not have."""
    for name in sorted(variant.case.needs):
        for driver in drivers.values():
            if name not in driver.features and not slot.capabilities.get(name):
                return f"{driver.name} does not claim {name}"
    return ""


async def _run(variant: Variant, slot: SdkSlot, drivers: dict[str, DriverProcess], result: Result) -> None:
    ctx = SdkContext(slot, variant, unique_queue(variant), drivers)
    async with judging(ctx, result):
        try:
            await ctx.freeze()
            for number, step in enumerate(variant.case.steps, start=1):
                result.step = f"step {number}: {step}"
                await run_step(ctx, step, SDK_STEPS)
            result.step = "after the case"
            ctx.check_flaws()
            await verify_books(ctx)
        except StepFailed as failed:
            raise StepFailed(failed.problems + [flaw for flaw in ctx.flaws() if flaw not in failed.problems]) from None
