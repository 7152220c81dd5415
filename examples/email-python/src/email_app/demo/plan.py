"""How much happens in the demo, and how the figures of the app are read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from email_app.demo.traffic import ask_app

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """How much happens, and which deliveries are refused."""

    folder: Path
    """Where all files of the demo lie."""
    seed: int = 1
    """Decides the order of the requests and which deliveries are refused."""
    signups: int = 45
    resets: int = 15
    warm_up: int = 25
    """Signups before the mix, so that there is a backlog to overtake."""
    smtp_pause_s: float = 0.25
    """How long the mail server takes for each mail."""
    patience_s: float = 25.0
    """How long one part of an act may take, in seconds."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the app says of its queue, in jobs."""

    waiting: int
    delayed: int
    active: int
    completed: int
    dead: int
    cancelled: int

    @property
    def finished(self) -> int:
        """Jobs that need nothing more."""
        return self.completed + self.dead + self.cancelled

    @property
    def total(self) -> int:
        """All jobs that are stored."""
        return self.finished + self.waiting + self.delayed + self.active

    def by_state(self) -> dict[str, int]:
        """The states that hold jobs."""
        return {state: count for state, count in asdict(self).items() if count}

    def __str__(self) -> str:
        parts = [f"{count} {state}" for state, count in self.by_state().items()]
        return f"{self.total} mails" + (f" ({', '.join(parts)})" if parts else "")


async def read_figures(base_url: str) -> Figures:
    """Asks the app. Raises httpx.HTTPError."""
    stats = await ask_app(base_url, "/stats")
    return Figures(**{figure.name: int(stats[figure.name]) for figure in fields(Figures)})


async def read_dead_letters(base_url: str) -> list[str]:
    """The job ids of the dead letters. Raises httpx.HTTPError."""
    return [str(job["job_id"]) for job in await ask_app(base_url, "/dead-letters")]


async def until_figures(
    base_url: str, reached: Callable[[Figures], bool], what: str, timeout_s: float, seen: Callable[[Figures], None]
) -> Figures:
    """Asks again and again until `reached`; shows each answer to `seen`. Raises TimeoutError naming `what`."""
    try:
        async with asyncio.timeout(timeout_s):
            while not reached(figures := await read_figures(base_url)):
                seen(figures)
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise TimeoutError(f"{what} took longer than {timeout_s:.0f} s") from None
    seen(figures)
    return figures
