"""Check that the SDKs' READMEs are what their template gives; with --write, write them.

`docs/templates/sdk-readme.md` has the structure and what is true in every language; `parts.toml` in an SDK's folder
`readme` has what differs, and the programs beside it are the code blocks. In the template, and in the parts:

- `{{part}}` is the part of that name, and `{{part?}}` one that a language may do without;
- `{{:some_name}}` is that name as the language spells it: someName, SomeName;
- `{{>program}}` is a code block: the file that the table `programs` has for it, with its name in the first line.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = Path("docs/templates/sdk-readme.md")
SDKS = ("sdk-python", "sdk-node", "sdk-go")
WIDTH = 130
SLOT = re.compile(r"\{\{(?P<kind>[:>]?)(?P<name>[\w-]+)(?P<optional>\??)\}\}")
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
# Of the languages that code blocks are in: how files are called, and how a line comment begins.
FILES = {"python": (".py", "#"), "ts": (".ts", "//"), "go": (".go", "//")}
INITIALS = {"Id": "ID", "Ttl": "TTL", "Url": "URL"}
SETTINGS = ("programs", "code", "spelling")


def spell(name: str, spelling: str) -> str:
    """Return a snake_case name as a language spells it: "snake", "camel" or "pascal"."""
    if spelling == "snake":
        return name
    words = [word.capitalize() for word in name.split("_")]
    if spelling == "camel":
        return "".join([words[0].lower(), *words[1:]])
    return "".join(INITIALS.get(word, word) for word in words)


@dataclass
class Page:
    """The README of one SDK while it is made: its parts, those used so far, and what is wrong."""

    folder: Path
    parts: dict[str, Any]
    used: set[str] = field(default_factory=set[str])
    problems: list[str] = field(default_factory=list[str])

    @classmethod
    def of(cls, folder: Path) -> Page:
        """Return the page with the parts of an SDK's folder `readme`."""
        return cls(folder, tomllib.loads((folder / "parts.toml").read_text(encoding="utf-8")))

    def fill(self, text: str) -> str:
        """Return a text with its slots filled."""
        return SLOT.sub(self._slot, text)

    def unused(self) -> list[str]:
        """Return what is there for the README, and not in it."""
        named = {file: f"program {name}" for name, file in self.parts["programs"].items()}
        files = {
            path.relative_to(self.folder).as_posix() for path in self.folder.rglob(f"*{FILES[self.parts['code']][0]}")
        }
        parts = [name for name in self.parts if name not in SETTINGS and name not in self.used]
        programs = [name for name in named.values() if name not in self.used]
        return [f"the template has no slot for {one}" for one in [*parts, *programs, *sorted(files - set(named))]]

    def _slot(self, slot: re.Match[str]) -> str:
        name = slot["name"]
        if slot["kind"] == ":":
            return spell(name, self.parts["spelling"])
        if slot["kind"] == ">":
            return self._program(name)
        self.used.add(name)
        if name in self.parts:
            return self.fill(self.parts[name].strip())
        if not slot["optional"]:
            self.problems.append(f"parts.toml has no part {name}")
        return ""

    def _program(self, name: str) -> str:
        self.used.add(f"program {name}")
        file = self.parts["programs"].get(name)
        if file is None or not (self.folder / file).is_file():
            self.problems.append(f"there is no program {name}")
            return ""
        code, language = (self.folder / file).read_text(encoding="utf-8"), self.parts["code"]
        return f"```{language}\n{FILES[language][1]} {file}\n{code.strip()}\n```"


def flow(text: str) -> str:
    """Return a text with its paragraphs and lists broken into lines anew, since parts are of any length."""
    pieces = FENCED.split(text)
    pieces[::2] = [_flow_prose(piece) for piece in pieces[::2]]
    return "".join(pieces).strip() + "\n"


def _flow_prose(text: str) -> str:
    # A part that a language does without leaves an empty paragraph.
    return "\n\n".join(_flow_block(block) for block in re.sub(r"\n{3,}", "\n\n", text).split("\n\n"))


def _flow_block(block: str) -> str:
    if block.lstrip("\n").startswith(("|", "#", "<")):
        return block
    start, end = block[: len(block) - len(block.lstrip("\n"))], block[len(block.rstrip("\n")) :]
    items = re.split(r"\n(?=- )", block.strip("\n"))
    return start + "\n".join(_flow_lines(item) for item in items) + end


def _flow_lines(text: str) -> str:
    hanging = "  " if text.startswith("- ") else ""
    return textwrap.fill(
        " ".join(text.split()), WIDTH, subsequent_indent=hanging, break_on_hyphens=False, break_long_words=False
    )


def readme_of(sdk: str, root: Path) -> tuple[str, list[str]]:
    """Return the README of an SDK, and one line for each thing that is wrong with its parts."""
    page = Page.of(root / sdk / "readme")
    made = f"<!-- Made from {TEMPLATE.as_posix()} and {sdk}/readme by 'make generate'. -->\n\n"
    template = re.sub(r"\A<!--.*?-->\s*", "", (root / TEMPLATE).read_text(encoding="utf-8"), flags=re.DOTALL)
    text = made + flow(page.fill(template))
    return text, [f"{sdk}/readme: {problem}" for problem in [*page.problems, *page.unused()]]


def main() -> int:
    """Check or write the READMEs; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description="Check that the SDKs' READMEs are what their template gives.")
    parser.add_argument("--write", action="store_true", help="write them instead")
    write = parser.parse_args().write
    problems: list[str] = []
    for sdk in SDKS:
        text, wrong = readme_of(sdk, ROOT)
        problems += wrong
        readme = ROOT / sdk / "README.md"
        if readme.is_file() and readme.read_text(encoding="utf-8") == text:
            continue
        if write:
            readme.write_text(text, encoding="utf-8")
            print(f"docs: wrote {sdk}/README.md")
        else:
            problems.append(f"{sdk}/README.md is not what its template gives; 'make generate' mends it")
    print(*problems, f"docs: {len(SDKS)} READMEs from a template, {len(problems)} problems", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
