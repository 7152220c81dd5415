"""How the help of the commands is laid out: examples stand one a line, and arguments as people type them."""

from __future__ import annotations

import inspect
from typing import Any

from typer.core import TyperCommand

_AS_WRITTEN = "\b\n"
"""What the formatter takes as a sign to leave a paragraph alone."""


class PlainHelp(TyperCommand):
    """A command whose help keeps the lines of paragraphs that have indented ones, such as examples."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        paragraphs = inspect.cleandoc(kwargs.pop("help", None) or "").split("\n\n")
        text = "\n\n".join(_AS_WRITTEN + one if "\n  " in one else one for one in paragraphs)
        super().__init__(*args, help=text, **kwargs)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The usage line; an argument that is required is `DIR` there and not `{DIR}`."""
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]
