"""What the commands of `rockqueue-torture` share: options, and how they are understood."""

from __future__ import annotations

from pathlib import Path
from random import SystemRandom
from typing import Annotated

import typer
from rich.console import Console

WIDTH = 160
ALL_SDKS = "python,node,go"

Seed = Annotated[
    int | None, typer.Option(help="Where chance begins; printed, so that a run can be repeated. Default: any.")
]
Sdks = Annotated[str, typer.Option("--sdks", help="The SDKs whose workers take part, by commas.")]


def _made(directory: Path | None) -> Path | None:
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
    return directory


Directory = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        callback=_made,
        file_okay=False,
        help="Where the stores are made, and made itself if need be; those of failed runs stay there.",
    ),
]


def available(console: Console, sdks: str) -> tuple[str, ...]:
    """Those of the SDKs whose workers can be built here; says which cannot."""
    from rockqueue_torture.workers import KINDS, WorkerMissing

    found: list[str] = []
    for sdk in filter(None, (name.strip() for name in sdks.split(","))):
        if sdk not in KINDS:
            raise typer.BadParameter(f"{sdk!r} is none of {', '.join(KINDS)}", param_hint="--sdks")
        try:
            KINDS[sdk]()
        except WorkerMissing as error:
            console.print(f"without workers of {sdk}: {error}", markup=False)
        else:
            found.append(sdk)
    return tuple(found)


def chosen_seed(seed: int | None) -> int:
    """The seed that was asked for, or any."""
    return seed if seed is not None else SystemRandom().randrange(1_000_000)


def new_console() -> Console:
    """A console whose lines are not cut when they go to a file."""
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = WIDTH
    return console
