"""Plays a power cut on the files of a server that was killed: back to what its journal says is on disk.

`all` takes everything that was not synced; `some` leaves a part of it, as a disk does that was on its way: changes of
folders up to a moment of chance, and of each file a number of bytes of chance.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Literal

from rockqueue_torture.power.journal import Entry, Synced

Extent = Literal["all", "some"]


def cut_power(root: Path, synced: Synced, extent: Extent, random: Random) -> Counter[str]:
    """Changes the files below `root`; what was done, counted: bytes and files lost, entries undone."""
    done: Counter[str] = Counter()
    undone = synced.pending if extent == "all" else synced.pending[random.randint(0, len(synced.pending)) :]
    for entry in reversed(undone):
        done["entries"] += _undo(entry)
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        status = path.stat()
        kept = min(status.st_size, synced.sizes.get(status.st_ino, 0))
        if extent == "some":
            kept = random.randint(kept, status.st_size)
        if kept < status.st_size:
            os.truncate(path, kept)
            done["files"] += 1
            done["bytes"] += status.st_size - kept
    return done


def _undo(entry: Entry) -> int:
    """Takes back one change of a folder; 1 if there was something to take back."""
    path = entry.path
    if entry.kind == "dropped":
        if entry.kept is None or path.exists():
            return 0
        os.link(entry.kept, path)
        return 1
    if not path.exists() or path.stat().st_ino != entry.inode:
        return 0
    if entry.kind == "made":
        path.unlink()
        return 1
    assert entry.before is not None
    path.rename(entry.before)
    if entry.kept is not None:
        os.link(entry.kept, path)
    return 1
