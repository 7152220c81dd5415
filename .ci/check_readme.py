"""Check that the documents tell what is there; with --write, first bring their code blocks up to date.

In every Markdown file of the repository:

- a code block under `<!-- file: PATH -->` is the content of that file (or, with `PATH#NAME`, of the lines between
  `[NAME]` and `[/NAME]` comments in it);
- every `make` line in a shell block names a verb of the Makefile it calls;
- every relative link leads to a file or folder.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n+)?^```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
FILE_MARK = re.compile(r"^<!-- file: \S+ -->$", re.MULTILINE)
LINK = re.compile(r"\]\((?!\w+:|#)(?P<target>[^)#\s]+)(?:#[^)\s]*)?\)")
VERB = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
SHELL = ("sh", "bash", "console")


def problems_of(document: Path, root: Path) -> list[str]:
    """Return one line for each thing in a document that does not fit the repository at `root`."""
    text = document.read_text(encoding="utf-8")
    blocks = list(FENCE.finditer(text))
    problems: list[str] = []
    marked = [block for block in blocks if block["file"]]
    if len(marked) != len(FILE_MARK.findall(text)):
        problems.append("a `<!-- file: ... -->` mark has no code block right under it")
    for block in marked:
        problems += _snippet_problems(block["file"], block["code"], root)
    for block in blocks:
        if block["language"] in SHELL:
            problems += _command_problems(block["code"], root)
    problems += [
        f"the link to {target} leads nowhere"
        for target in LINK.findall(FENCE.sub("", text))
        if not ((root if target.startswith("/") else document.parent) / target.lstrip("/")).exists()
    ]
    return [f"{document.relative_to(root)}: {problem}" for problem in problems]


def refresh(document: Path, root: Path) -> bool:
    """Put the content of the files they name into a document's marked code blocks. Returns whether anything changed."""
    text = document.read_text(encoding="utf-8")

    def fresh_block(block: re.Match[str]) -> str:
        content = None if block["file"] is None else _content_of(block["file"], root)
        if content is None:
            return block[0]
        start, end = block.start("code") - block.start(), block.end("code") - block.start()
        return block[0][:start] + content.strip("\n") + "\n" + block[0][end:]

    fresh = FENCE.sub(fresh_block, text)
    if fresh != text:
        document.write_text(fresh, encoding="utf-8")
    return fresh != text


def _content_of(name: str, root: Path) -> str | None:
    """Return what `PATH` or `PATH#NAME` holds, or None if there is no such file or part."""
    path, _, part = name.partition("#")
    if not (root / path).is_file():
        return None
    content = (root / path).read_text(encoding="utf-8")
    if not part:
        return content
    flags = re.MULTILINE | re.DOTALL
    found = re.search(rf"^[^\n]*\[{re.escape(part)}\]\n(.*?)^[^\n]*\[/{re.escape(part)}\]$", content, flags)
    return textwrap.dedent(found[1]) if found else None


def _snippet_problems(name: str, code: str, root: Path) -> list[str]:
    content = _content_of(name, root)
    if content is None:
        return [f"there is no file or part {name}"]
    if content.strip("\n") != code.strip("\n"):
        return [f"the code block is not what {name} holds; 'make generate' mends it"]
    return []


def _command_problems(code: str, root: Path) -> list[str]:
    problems: list[str] = []
    for line in code.splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if not words or words[0] != "make":
            continue
        folder = Path(words[words.index("-C") + 1]) if "-C" in words else Path()
        verbs = _verbs_of(root / folder, root)
        skipped = {"make", "-C", str(folder)}
        problems += [
            f"`{line}`: {folder / 'Makefile'} has no verb {word}"
            for word in words
            if word not in skipped and "=" not in word and not word.startswith("-") and word not in verbs
        ]
    return problems


def _verbs_of(folder: Path, root: Path) -> set[str]:
    if not (folder / "Makefile").is_file():
        return set()
    text = (folder / "Makefile").read_text(encoding="utf-8")
    for shared in ("verbs.mk", "python.mk"):
        if (root / ".ci" / shared).is_file() and f"/{shared}" in text:
            text += (root / ".ci" / shared).read_text(encoding="utf-8")
    return set(VERB.findall(text)) | {"help"}


def documents() -> list[Path]:
    """Return all Markdown files that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],  # noqa: S607 - git of this machine
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in sorted(set(listed.stdout.splitlines())) if (ROOT / name).is_file()]


def main() -> int:
    """Check all documents; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description="Check that the documents tell what is there.")
    parser.add_argument("--write", action="store_true", help="first bring the marked code blocks up to date")
    found = documents()
    if parser.parse_args().write:
        for document in found:
            if refresh(document, ROOT):
                print(f"docs: wrote the code blocks of {document.relative_to(ROOT)}")
    problems = [problem for document in found for problem in problems_of(document, ROOT)]
    print(*problems, f"docs: {len(found)} documents, {len(problems)} problems", sep="\n")
    return 1 if problems or not found else 0


if __name__ == "__main__":
    sys.exit(main())
