"""Check that no file of the repository names the machine it was written on, or where its packages came from.

Refused are the absolute path of this checkout and of the home folder, paths in anybody's home folder, and, in lock and
settings files, the addresses of package registries.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOMES = re.compile(r"(?<![\w.$}{-])/(?:home|Users)/[A-Za-z][\w.-]*/|(?<![\w.$}{/-])/roo[t]/\w")
# What names a registry: npm's `resolved`, and the settings and options by which package managers are told of one.
REGISTRIES = re.compile(
    r"\"resolved\":\s*\"https?:|\bregistry\s*=|--(?:extra-|default-)?index(?:-url)?\b|--find-links|\bindex-url\s*=|"
    r"\[\[(?:tool\.uv\.)?index\]\]|\bGOPROXY\s*=|https?://[^\s\"']*(?:/simple\b|\.whl\b|\.tgz\b)"
)
SETTINGS = re.compile(
    r"(?:^|/)(?:requirements[^/]*\.txt|[^/]+\.(?:lock|toml|cfg|ini)|package-lock\.json|\.npmrc|go\.(?:mod|sum|work)|"
    r"Dockerfile|pins/[^/]+\.txt)$"
)


def leaks_of(name: str, text: str, own_paths: list[str]) -> list[str]:
    """Return `name:line: what is named` for each leak in a file's text."""
    leaks: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        found = [f"a path of this machine, {path}" for path in own_paths if path in line]
        found += [f"a path in a home folder, {match[0]}" for match in HOMES.finditer(line)]
        if SETTINGS.search(name):
            found += [f"a package registry, {match[0]}" for match in REGISTRIES.finditer(line)]
        leaks += [f"{name}:{number}: names {what}" for what in found]
    return leaks


def main() -> int:
    """Check all text files that git knows or would add; return 1 if there is a leak."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git of this machine
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    names = sorted(name for name in set(listed.stdout.split("\0")) if name and (ROOT / name).is_file())
    own_paths = [str(ROOT), str(Path.home()) + "/"]
    leaks: list[str] = []
    for name in names:
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            leaks += leaks_of(name, content.decode("utf-8", errors="replace"), own_paths)
    print(*leaks, f"leaks: {len(names)} files, {len(leaks)} leaks", sep="\n")
    return 1 if leaks or not names else 0


if __name__ == "__main__":
    sys.exit(main())
