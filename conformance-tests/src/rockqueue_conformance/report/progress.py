"""Progress while a run goes on: a bar on a terminal, failures and verbose lines as they come."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rockqueue_conformance.runner.execute import Result

_COLOURS = {"passed": "green", "failed": "red", "skipped": "yellow", "known": "yellow"}


class RunProgress:
    """Shows results as they come. Without a terminal only what must be said is said."""

    def __init__(self, console: Console, total: int, *, verbose: bool) -> None:
        self._console = console
        self._verbose = verbose
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("[red]{task.fields[failed]} failed[/red]"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("conformance", total=total, failed=0)
        self._failed = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, result: Result) -> None:
        """Counts a result, and names it when it failed or when all are to be named."""
        self._failed += result.outcome == "failed"
        if self._verbose or result.outcome == "failed":
            colour = _COLOURS[result.outcome]
            name = escape(result.variant.id)
            self._console.print(
                f"[{colour}]{result.outcome:>7}[/{colour}] {name} {result.seconds:.2f} s", highlight=False
            )
        self._bar.update(self._task, advance=1, failed=self._failed)
