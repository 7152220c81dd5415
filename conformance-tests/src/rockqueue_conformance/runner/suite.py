"""A whole run: variants spread over slots, results as they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

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

    def slot(self) -> Slot:
        """A place for cases to run."""
        return Slot(self.command, self.address, self.args, reference=self.reference)


class Closable(Protocol):
    """A place where variants run one after the other."""

    async def close(self) -> None:
        """Lets go of what it holds."""
        ...


SlotT = TypeVar("SlotT", bound=Closable)
Piece = TypeVar("Piece")
Outcome = TypeVar("Outcome")


async def spread(
    pieces: Sequence[Piece],
    make_slot: Callable[[], SlotT],
    count: int,
    run: Callable[[Piece, SlotT], Awaitable[Outcome]],
    on_result: Callable[[Outcome], None] = lambda _: None,
    stop: Callable[[Outcome], bool] = lambda _: False,
) -> list[Outcome]:
    """Runs every piece of work once, on so many slots at a time, and returns the results in the order of the pieces.

    When `stop` says so of a result, what has not begun is left out.
    """
    waiting = deque(enumerate(pieces))
    results: dict[int, Outcome] = {}

    async def work() -> None:
        slot = make_slot()
        try:
            while waiting:
                number, piece = waiting.popleft()
                result = await run(piece, slot)
                results[number] = result
                on_result(result)
                if stop(result):
                    waiting.clear()
        finally:
            await slot.close()

    await asyncio.gather(*(work() for _ in range(max(1, min(count, len(pieces))))))
    return [results[number] for number in sorted(results)]


async def run_variants(
    variants: Sequence[Variant],
    target: Target,
    slots: int,
    on_result: Callable[[Result], None],
    stop: Callable[[Result], bool] = lambda _: False,
) -> list[Result]:
    """Runs every variant once against a server, as `spread` does. There is one slot at an address."""
    count = slots if target.command is not None else 1
    return await spread(_grouped(variants), target.slot, count, execute, on_result, stop)


def _grouped(variants: Sequence[Variant]) -> list[Variant]:
    """Variants that need a server of their own last, so that the others share one as long as possible."""
    return sorted(variants, key=lambda one: (one.crash_after is not None, one.case.fresh, one.case.server_args))
