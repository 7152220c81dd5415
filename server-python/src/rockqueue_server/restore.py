"""Makes a data directory of a backup: copied, never linked, so that the two never share a fate.

A restored store is a copy of what its origin was. Jobs that were with workers then still are: their workers resume, or
the leases run out. What the origin did after the backup is unknown to it, so tokens that the origin gave out afterwards
must not fit here: the epoch, which is in every token, jumps ahead of all that the origin may have had.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from rockqueue_server.engine.leases import EPOCH_KEY
from rockqueue_server.store.backup import DATABASE, Progress, read_backup, transfer, write_synced
from rockqueue_server.store.opening import FORMAT, StoreError, open_directory, sync_directory
from rockqueue_server.verify import Report, verify_directory

_JUMP = 1 << 16
"""More starts than a server has in its life. The epoch has 32 bits."""


def restore(backup: Path, target: Path, progress: Progress = lambda _: None) -> Report:
    """Makes the data directory `target` of a backup; returns what checking it found, and keeps it only if all is well.

    Raises NoBackup, StoreError (also when there is something at `target`), OSError.
    """
    target = target.absolute()
    described = read_backup(backup)
    if target.exists():
        raise StoreError(f"{target} exists: name a folder that does not, nothing is ever restored over another store")
    if (backup / "FORMAT").read_text().strip() != FORMAT:
        raise StoreError(f"{backup} was made by another version, this one reads {FORMAT!r}: use the one that wrote it")
    staged = target.with_name(f".{target.name}.restoring")
    shutil.rmtree(staged, ignore_errors=True)
    try:
        staged.mkdir(parents=True)
        transfer(backup / DATABASE, staged / DATABASE, progress, link=False)
        write_synced(staged / "FORMAT", f"{FORMAT}\n")
        write_synced(staged / "COMMIT", f"{described.commit}\n")
        _jump_epoch(staged)
        report = verify_directory(staged)
        if not report.problems:
            sync_directory(staged)
            staged.rename(target)
            sync_directory(target.parent)
        return report
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def size_of(backup: Path) -> int:
    """How many bytes a restore of it copies. Raises NoBackup."""
    read_backup(backup)
    return sum(file.stat().st_size for file in os.scandir(backup / DATABASE))


def _jump_epoch(directory: Path) -> None:
    opened = open_directory(directory, create=False)
    try:
        meta = opened.store.column("meta")
        epoch = int.from_bytes(meta.get(EPOCH_KEY) or b"", "big") + _JUMP + secrets.randbelow(_JUMP)
        batch = opened.store.batch()
        batch.put(EPOCH_KEY, epoch.to_bytes(8, "big"), meta.handle)
        opened.store.write(batch)
        opened.store.sync()
        del meta, batch
    finally:
        opened.close()
