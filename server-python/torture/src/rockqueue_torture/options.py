"""Options that the commands of `rockqueue-torture` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
