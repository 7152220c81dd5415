"""Shows how far a run is: a bar on a terminal, a line for each row elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rockqueue_bench.results import Row


class RunProgress:
    """A bar over the rows of a run."""

    def __init__(self, console: Console, rows: int) -> None:
        self._console = console
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=rows)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def began(self, name: str) -> None:
        """A row is being measured now."""
        self._bar.update(self._task, description=f"measuring {name}")
        if not self._console.is_terminal:
            self._console.print(f"measuring {name}")

    def ended(self, row: Row) -> None:
        """A row is done."""
        self._bar.advance(self._task)
        if row.error:
            self._console.print(f"{row.name} failed: {row.error}", markup=False)
