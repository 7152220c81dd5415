"""The programs in the README, as files."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```python\n# (?P<name>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_BLOCK = re.compile(r"^```python$", re.MULTILINE)


def write_programs(folder: Path) -> list[str]:
    """Saves each program under the name in its first line, as a reader would; returns the names."""
    text = README.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) == len(ANY_BLOCK.findall(text)), "a program of the README has no name"
    for block in blocks:
        (folder / block["name"]).write_text(block["text"], encoding="utf-8")
    return [block["name"] for block in blocks]
