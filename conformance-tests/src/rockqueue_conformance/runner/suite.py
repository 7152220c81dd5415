"""A whole run: variants spread over slots, results as they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rockqueue_conformance.language.model import Variant
from rockqueue_conformance.runner.execute import Result, execute
from rockqueue_conformance.target.slot import Slot


@dataclass(frozen=True, slots=True)
class Target:
    """Which server to run against: a command of ours, or the address of a server that someone else runs."""

    command: str | None = None
    address: str | None = None
    args: tuple[str, ...] = ()
    reference: bool = False
    """The command is `rockqueue serve`: cases may use its own options."""


async def run_variants(
    variants: Sequence[Variant],
    target: Target,
    slots: int,
    on_result: Callable[[Result], None],
    stop: Callable[[Result], bool] = lambda _: False,
) -> list[Result]:
    """Runs every variant once and returns the results in the order of the variants.

    There is one slot at an address. When `stop` says so of a result, what has not begun is left out.
    """
    waiting = deque(enumerate(_grouped(variants)))
    results: dict[int, Result] = {}

    async def worker() -> None:
        slot = Slot(target.command, target.address, target.args, reference=target.reference)
        try:
            while waiting:
                number, variant = waiting.popleft()
                result = await execute(variant, slot)
                results[number] = result
                on_result(result)
                if stop(result):
                    waiting.clear()
        finally:
            await slot.close()

    count = max(1, min(slots if target.command is not None else 1, len(variants)))
    await asyncio.gather(*(worker() for _ in range(count)))
    return [results[number] for number in sorted(results)]


def _grouped(variants: Sequence[Variant]) -> list[Variant]:
    """Variants that need a server of their own last, so that the others share one as long as possible."""
    return sorted(variants, key=lambda one: (one.crash_after is not None, one.case.fresh, one.case.server_args))
