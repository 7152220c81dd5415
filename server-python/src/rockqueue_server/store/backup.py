"""Backups on disk: how one is put together from a checkpoint, found again, and made a data directory of.

A backup is a folder that holds

    BACKUP      JSON: what the backup is called, which moment it shows, and how much it holds
    FORMAT      as in a data directory
    COMMIT      as in a data directory: the number of the last commit in it
    db/         the RocksDB database

RocksDB never changes a file of its tables, so a checkpoint holds links to them. On the same file system the backup does
too, and takes no time and no space; on another one files are copied. It is put together under a hidden name, synced,
and renamed: a folder without a dot in front is whole.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rockqueue_server.store.opening import FORMAT, sync_directory

MANIFEST = "BACKUP"
DATABASE = "db"
STAGED = ".rockqueue-staged-"
"""What the names of backups begin with that are not complete."""
CHECKPOINT = "checkpoint.new"
"""Where a data directory keeps a checkpoint until a backup is made of it."""
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP)
_CHUNK_BYTES = 4 << 20


class BackupExists(Exception):
    """There is a backup of this name."""


class NoBackup(Exception):
    """A folder is not a backup. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What is known of a backup. `commit` is the last commit in it, `create_us` the server's time at the checkpoint."""

    name: str
    path: Path
    create_us: int
    commit: int
    size_bytes: int


Progress = Callable[[int], None]
"""Told how many more bytes were dealt with. What it raises ends the work."""


def assemble(checkpoint: Path, place: Path, name: str, create_us: int, commit: int, progress: Progress) -> Backup:
    """Makes a backup of a checkpoint, which is used up. Blocks. Raises BackupExists, OSError."""
    place.mkdir(parents=True, exist_ok=True)
    path = place / name
    if path.exists():
        raise BackupExists(name)
    staged = place / f"{STAGED}{name}"
    shutil.rmtree(staged, ignore_errors=True)
    size_bytes = transfer(checkpoint, staged / DATABASE, progress, link=True)
    backup = Backup(name, path, create_us, commit, size_bytes)
    described = {key: value for key, value in asdict(backup).items() if key != "path"}
    write_synced(staged / "FORMAT", f"{FORMAT}\n")
    write_synced(staged / "COMMIT", f"{commit}\n")
    write_synced(staged / MANIFEST, json.dumps({"rockqueue_backup": 1, **described}) + "\n")
    sync_directory(staged)
    try:
        # Refused when a folder of this name has come into being meanwhile, unless it is empty.
        staged.rename(path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise BackupExists(name) from error
        raise
    sync_directory(place)
    shutil.rmtree(checkpoint, ignore_errors=True)
    return backup


def transfer(source: Path, target: Path, progress: Progress, *, link: bool) -> int:
    """Brings the files of one folder into a new one, synced; returns their size."""
    target.mkdir(parents=True)
    size_bytes = 0
    for file in sorted(source.iterdir()):
        size = file.stat().st_size
        if link and _linked(file, target / file.name):
            progress(size)
        else:
            _copy(file, target / file.name, progress)
        size_bytes += size
    sync_directory(target)
    return size_bytes


def find_backups(place: Path) -> list[Backup]:
    """All complete backups in a folder, newest first."""
    found = [backup for backup in _described(place) if backup is not None]
    return sorted(found, key=lambda backup: (-backup.create_us, backup.name))


def read_backup(path: Path) -> Backup:
    """Describes the backup in a folder. Raises NoBackup."""
    try:
        described = json.loads((path / MANIFEST).read_text())
        return Backup(
            name=path.name,
            path=path,
            create_us=int(described["create_us"]),
            commit=int(described["commit"]),
            size_bytes=int(described["size_bytes"]),
        )
    except FileNotFoundError as error:
        raise NoBackup(f"{path} is not a backup: name a folder that 'rockqueue backup' or CreateBackup made") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoBackup(f"{path} cannot be read as a backup: its {MANIFEST} file is damaged") from error


def remove_leftovers(place: Path) -> None:
    """Removes what interrupted calls left."""
    for path in place.glob(f"{STAGED}*"):
        shutil.rmtree(path, ignore_errors=True)


def write_synced(path: Path, text: str) -> None:
    """A small file that survives a power loss once its folder is synced."""
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _described(place: Path) -> Iterator[Backup | None]:
    if not place.is_dir():
        return
    for path in place.iterdir():
        if path.name.startswith(".") or not (path / MANIFEST).is_file():
            continue
        try:
            yield read_backup(path)
        except NoBackup:
            yield None


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in _NO_LINK:
            return False
        raise
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return True


def _copy(source: Path, target: Path, progress: Progress) -> None:
    with source.open("rb") as read, target.open("wb") as write:
        while chunk := read.read(_CHUNK_BYTES):
            write.write(chunk)
            progress(len(chunk))
        write.flush()
        os.fsync(write.fileno())
