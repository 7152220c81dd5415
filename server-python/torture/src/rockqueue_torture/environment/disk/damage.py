"""Ways to damage a file of a store, and many places to do it, chosen by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ERASED_BYTES = 64
BLOCK_BYTES = 4096
LOG_PATTERN = "db/LOG*"
"""RocksDB's own diary for people: no data, and grown anew by each start."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What is done to one file. `at` is an offset in it, or its new length for `cut`."""

    kind: str
    at: int

    def apply(self, file: Path) -> None:
        """Does it."""
        DAMAGES[self.kind](file, self.at)


@dataclass(frozen=True, slots=True)
class Place:
    """A damage of a file of a store; `file` is its path in the store."""

    file: str
    damage: Damage

    @property
    def kind_of_file(self) -> str:
        """What the file is for."""
        return kind_of_file(self.file)

    def __str__(self) -> str:
        return f"{self.file}: {self.damage.kind} at {self.damage.at}"


def kind_of_file(path: str) -> str:
    """What a file of a store is for: `WAL`, `SST`, `MANIFEST`, ..., or its name where there is one of its kind."""
    name = path.rpartition("/")[2]
    suffixes = {".log": "WAL", ".sst": "SST", ".blob": "blob"}
    for suffix, kind in suffixes.items():
        if name.endswith(suffix):
            return kind
    return name.partition("-")[0] if name.startswith(("MANIFEST-", "OPTIONS-")) else name


def places(store: Path, chance: random.Random, per_file: int) -> Iterator[Place]:
    """`per_file` places for each damage that has places, one for each that has none, for every file of `store`."""
    diaries = set(store.glob(LOG_PATTERN))
    for file in sorted(path for path in store.rglob("*") if path.is_file() and path not in diaries):
        name, size = str(file.relative_to(store)), file.stat().st_size
        yield Place(name, Damage("remove", 0))
        if not size:
            continue
        yield Place(name, Damage("zero all", 0))
        yield Place(name, Damage("cut", 0))
        yield Place(name, Damage("cut", size - 1))
        yield Place(name, Damage("append", size))
        for kind in ("flip", "zero", "zero block", "cut"):
            for _ in range(per_file):
                yield Place(name, Damage(kind, chance.randrange(size)))


def _flip(file: Path, at: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(at)
        (byte,) = opened.read(1)
        opened.seek(at)
        # Which bit: by the place, so that a place says all.
        opened.write(bytes((byte ^ 1 << at % 8,)))


def _overwrite(file: Path, at: int, most: int) -> None:
    with file.open("r+b") as opened:
        size = opened.seek(0, 2)
        opened.seek(at)
        opened.write(bytes(min(most, size - at)))


def _zero(file: Path, at: int) -> None:
    _overwrite(file, at, ERASED_BYTES)


def _zero_block(file: Path, at: int) -> None:
    _overwrite(file, at - at % BLOCK_BYTES, BLOCK_BYTES)


def _zero_all(file: Path, _at: int) -> None:
    _overwrite(file, 0, file.stat().st_size)


def _cut(file: Path, at: int) -> None:
    with file.open("r+b") as opened:
        opened.truncate(at)


def _append(file: Path, at: int) -> None:
    with file.open("ab") as opened:
        opened.write(random.Random(at).randbytes(ERASED_BYTES))  # noqa: S311 - junk, the same each time


def _remove(file: Path, _at: int) -> None:
    file.unlink()


DAMAGES: dict[str, Callable[[Path, int], None]] = {
    "flip": _flip,
    "zero": _zero,
    "zero block": _zero_block,
    "zero all": _zero_all,
    "cut": _cut,
    "append": _append,
    "remove": _remove,
}
