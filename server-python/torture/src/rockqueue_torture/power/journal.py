"""What a preloaded server noted (`native/synced.c`): which bytes and which entries of its folders are on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


class JournalTrouble(Exception):
    """The journal cannot be trusted; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A change of a folder that was not synced: `made`, `moved` or `dropped`."""

    kind: str
    inode: int
    path: Path
    before: Path | None = None
    kept: Path | None = None


@dataclass(slots=True)
class Synced:
    """What is on disk for certain."""

    sizes: dict[int, int]
    """Bytes of each file, by inode."""
    pending: list[Entry] = field(default_factory=list[Entry])
    """Changes of folders that a power cut may undo, the oldest first."""


def sizes_below(root: Path) -> dict[int, int]:
    """What a server finds at its start: all of it is on disk."""
    if not root.exists():
        return {}
    statuses = [path.stat() for path in root.rglob("*") if path.is_file()]
    return {status.st_ino: status.st_size for status in statuses}


def read_journal(path: Path, at_start: dict[int, int]) -> Synced:
    """Plays a journal on top of what was there at the start. Raises JournalTrouble."""
    if not path.exists():
        raise JournalTrouble(f"{path.name} was not written: the library was not loaded")
    synced = Synced(dict(at_start))
    for line in path.read_text().split("\n")[:-1]:
        kind, *rest = line.split(" ")
        if kind == "sync":
            synced.sizes[int(rest[0])] = int(rest[1])
        elif kind == "dir":
            synced.pending = [entry for entry in synced.pending if str(entry.path.parent) != rest[0]]
        elif kind == "make":
            synced.sizes[int(rest[0])] = 0
            synced.pending.append(Entry("made", int(rest[0]), Path(rest[1])))
        elif kind == "move":
            kept = None if rest[3] == "-" else Path(rest[3])
            synced.pending.append(Entry("moved", int(rest[0]), Path(rest[2]), Path(rest[1]), kept))
        elif kind == "drop":
            kept = None if rest[2] == "-" else Path(rest[2])
            synced.pending.append(Entry("dropped", int(rest[0]), Path(rest[1]), kept=kept))
        else:
            raise JournalTrouble(f"a line that cannot be played: {line!r}")
    return synced
