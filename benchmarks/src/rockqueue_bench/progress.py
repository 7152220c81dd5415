"""Shows how far a run is: a bar on a terminal, a line for each measurement elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class RunProgress:
    """Says what is being measured now, and what could not be."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def began(self, name: str) -> None:
        """This is being measured now."""
        self._bar.update(self._task, description=f"measuring {name}")
        if not self._console.is_terminal:
            self._console.print(f"measuring {name}", markup=False)

    def ended(self, name: str, *, error: str = "", missing: str = "") -> None:
        """It is done; what went wrong is told."""
        if error:
            self._console.print(f"{name} failed: {error}", markup=False)
        if missing:
            self._console.print(f"{name} left out: {missing}", markup=False)
