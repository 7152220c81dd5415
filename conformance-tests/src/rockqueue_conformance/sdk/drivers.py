"""The drivers of `drivers.yaml`: whether they are there, how they are built, and how they are started."""

from __future__ import annotations

import asyncio
import functools
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from rockqueue_conformance.folders import data_folder
from rockqueue_conformance.known_failing import KnownFailing, load_known_failing

BUILD_TIMEOUT_S = 300.0
_TOOLCHAINS = ("go", "node")


class DriverMissing(Exception):
    """A driver that was asked for cannot be run; the message says why."""


@dataclass(frozen=True, slots=True)
class DriverSpec:
    """One driver: the words of its commands, with `{root}` and the like still in them."""

    name: str
    folder: str
    command: tuple[str, ...]
    build: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()

    @property
    def language(self) -> str:
        """What stands before the first hyphen: `python` for `python-sync`."""
        return self.name.partition("-")[0]

    def lacks(self) -> str:
        """Which file is missing, in words; empty when the driver can be built."""
        missing = [path for path in self.requires if not Path(fill(path)).exists()]
        return f"there is no {missing[0].replace('{root}/', '')}" if missing else ""

    def known_failing(self) -> KnownFailing:
        """The cases that are known to fail with it."""
        path = data_folder("drivers") / self.name / "known_failing.txt"
        if not path.exists():
            path = data_folder("drivers") / self.language / "known_failing.txt"
        return load_known_failing(path if path.exists() else None)

    async def prepare(self) -> None:
        """Builds it. DriverMissing when it cannot be built."""
        if lacking := self.lacks():
            raise DriverMissing(f"the driver {self.name} is not there: {lacking}")
        if self.build:
            await asyncio.to_thread(self._build)

    def _build(self) -> None:
        words = [fill(word) for word in self.build]
        try:
            made = subprocess.run(  # noqa: S603 - a command of drivers.yaml
                words, cwd=fill(self.folder), capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DriverMissing(f"the driver {self.name} cannot be built: {error}") from None
        if made.returncode != 0:
            end = "\n".join((made.stdout + made.stderr).splitlines()[-20:])
            raise DriverMissing(f"the driver {self.name} cannot be built: {' '.join(words)}\n{end}")


def load_drivers(folder: Path | None = None) -> dict[str, DriverSpec]:
    """Every driver of `drivers.yaml`, by name, in the order of the file."""
    path = (folder or data_folder("drivers")) / "drivers.yaml"
    rows = cast(dict[str, dict[str, Any]], yaml.load(path.read_text(), Loader=yaml.CSafeLoader))
    return {
        name: DriverSpec(
            name,
            row["folder"],
            tuple(row["command"]),
            tuple(row.get("build", ())),
            tuple(row.get("requires", ())),
        )
        for name, row in rows.items()
    }


def choose_drivers(drivers: dict[str, DriverSpec], names: tuple[str, ...]) -> list[DriverSpec]:
    """The drivers of these names; a language names all of its drivers. Without names: those that are there.

    DriverMissing for a name that is none, or whose driver is not there.
    """
    if not names:
        return [driver for driver in drivers.values() if not driver.lacks()]
    chosen: dict[str, DriverSpec] = {}
    for name in names:
        found = [one for one in drivers.values() if name in (one.name, one.language)]
        if not found:
            raise DriverMissing(f"no driver is called {name!r}; there are: {', '.join(drivers)}")
        for driver in found:
            if lacking := driver.lacks():
                raise DriverMissing(f"the driver {driver.name} is not there: {lacking}")
            chosen[driver.name] = driver
    return list(chosen.values())


def fill(word: str) -> str:
    """The word with `{root}`, `{python}` and `{toolchain:NAME}` filled in. DriverMissing without that toolchain."""
    filled = word.replace("{root}", str(_root())).replace("{python}", sys.executable)
    for name in _TOOLCHAINS:
        if f"{{toolchain:{name}}}" in filled:
            filled = filled.replace(f"{{toolchain:{name}}}", _toolchain(name))
    return filled


def _root() -> Path:
    return data_folder("drivers").resolve().parents[1]


@functools.cache
def _toolchain(name: str) -> str:
    script = _root() / ".ci" / "toolchain"
    try:
        found = subprocess.run(  # noqa: S603 - a script of this repository
            [str(script), name], capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise DriverMissing(f"no {name} here: {error}") from None
    return found.stdout.strip()
