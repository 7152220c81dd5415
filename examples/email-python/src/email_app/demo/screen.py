"""Shows what happens: a live table in a terminal, one line per happening anywhere else."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

VISIBLE_EVENTS = 14
URGENT = "password-reset"
COLOURS = {"JOB_COMPLETED": "green", "JOB_FAILED": "yellow", "JOB_CRASHED": "red", "JOB_DEAD": "bold red"}


@dataclass(frozen=True, slots=True)
class Row:
    """One job event, as people read it."""

    time: datetime
    event: str
    queue: str
    name: str
    number: int
    """Which job of the stream it is, from 1: easier to follow than its id."""
    attempt: int
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """Its columns: time, event, queue, job, attempt, note."""
        clock = self.time.astimezone().strftime("%H:%M:%S.%f")[:-3]
        return (clock, self.event, self.queue, f"{self.name} #{self.number}", str(self.attempt or ""), self.note)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a closing table."""

    label: str
    value: str
    meaning: str = ""
    holds: bool | None = None
    """None: a figure that nothing hangs on."""


class Screen(Protocol):
    """What the demo needs to be seen. A context: a live part is taken down at its end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def title(self, text: str) -> None:
        """A new act begins."""

    def say(self, text: str) -> None:
        """Something that the demo itself does."""

    def event(self, row: Row) -> None:
        """A job event."""

    def progress(self, done: int, total: int, counts: Mapping[str, int]) -> None:
        """How many mails are finished, and how many events of each kind came."""

    def table(self, title: str, checks: Sequence[Check]) -> None:
        """A closing table."""


class PlainScreen:
    """One line per happening, without control characters: for logs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None

    def title(self, text: str) -> None:
        """Prints the title between lines."""
        print(f"\n=== {text} ===", flush=True)

    def say(self, text: str) -> None:
        """Prints the text."""
        print(f"* {text}", flush=True)

    def event(self, row: Row) -> None:
        """Prints the columns of the event."""
        clock, event, queue, job, attempt, note = row.cells()
        print(f"{clock}  {event:<14} {queue:<6} {job:<18} {attempt:>2}  {note}".rstrip(), flush=True)

    def progress(self, done: int, total: int, counts: Mapping[str, int]) -> None:
        """Prints nothing: each event has its line already."""

    def table(self, title: str, checks: Sequence[Check]) -> None:
        """Prints one line for each row."""
        print(f"\n{title}", flush=True)
        for check in checks:
            mark = {None: "     ", True: "ok   ", False: "WRONG"}[check.holds]
            print(f"  {mark} {check.label:<34} {check.value:>6}  {check.meaning}".rstrip(), flush=True)


class LiveScreen:
    """A table of the latest events that stays in place, with counters and a progress bar; the rest scrolls above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: deque[Row] = deque(maxlen=VISIBLE_EVENTS)
        self._done, self._total = 0, 0
        self._counts: Mapping[str, int] = {}
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=12, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._live.stop()

    def title(self, text: str) -> None:
        """Prints a rule, and empties the live part."""
        self._rows.clear()
        self._done, self._total, self._counts = 0, 0, {}
        self._console.rule(f"[bold]{text}")

    def say(self, text: str) -> None:
        """Prints the text above the live part."""
        self._console.print(Text(f"• {text}"))

    def event(self, row: Row) -> None:
        """Adds the event to the table."""
        self._rows.append(row)

    def progress(self, done: int, total: int, counts: Mapping[str, int]) -> None:
        """Sets the bar and the counters."""
        self._done, self._total, self._counts = done, total, dict(counts)

    def table(self, title: str, checks: Sequence[Check]) -> None:
        """Prints the closing table."""
        table = Table("", "", Column("count", justify="right"), "what it means", title=title, title_justify="left")
        marks = {None: Text(""), True: Text("✔", "green"), False: Text("✘", "bold red")}
        for check in checks:
            table.add_row(marks[check.holds], check.label, Text(check.value, justify="right"), check.meaning)
        self._console.print(table)

    def _render(self) -> RenderableType:
        if not self._total and not self._rows:
            return Text("")
        counters = Text("   ").join(
            Text(f"{name} {count}", COLOURS.get(name, "")) for name, count in self._counts.items()
        )
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(max(1, self._total), self._done, width=60), f"{self._done} of {self._total} mails")
        parts: list[RenderableType] = [self._event_table()] if self._rows else []
        return Panel(Group(*parts, bar, counters), title="job events, as they stream in" if self._rows else None)

    def _event_table(self) -> Table:
        table = Table("time", "event", "queue", "job", "attempt", "", box=None, expand=True)
        for row in self._rows:
            cells = [Text(cell, no_wrap=True) for cell in row.cells()]
            cells[1].stylize(COLOURS.get(row.event, ""))
            cells[3].stylize("bold cyan" if row.name == URGENT else "")
            table.add_row(*cells)
        return table


def choose_screen(*, plain: bool) -> Screen:
    """A live screen in a terminal, otherwise plain lines."""
    console = Console(highlight=False)
    if plain or not sys.stdout.isatty() or not console.is_terminal:
        return PlainScreen()
    return LiveScreen(console)
