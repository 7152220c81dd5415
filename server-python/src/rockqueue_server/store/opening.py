"""Opens a data directory: checks first that it is ours, free, readable, of a known format, and whole.

A data directory holds

    FORMAT      one line, "rockqueue 3": what is in here and in which format
    OWNER       held under a lock by the one process that uses the directory; its pid
    COMMIT      the number of the last commit known to be on disk, in decimal, written about once a second
    db/         the RocksDB database

COMMIT is the guard against a log that was cut or emptied: RocksDB cannot tell a lost tail from one that was never
written, so a database whose last commit is older than COMMIT says is refused.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from rockqueue_server.store.rocks import RocksStore

FORMAT = "rockqueue 3"
COMMIT_KEY = b"commit"
COMMIT_VALUE = struct.Struct(">QQ")
"""Value of COMMIT_KEY in column `meta`: number of the last commit, server time in microseconds."""


class StoreError(Exception):
    """The data directory cannot be used. The message says why and what to do."""


@dataclass(slots=True)
class DataDirectory:
    """An open data directory."""

    path: Path
    store: RocksStore
    owner_fd: int

    def record_commit(self, number: int) -> None:
        """Notes durably that commits up to `number` are on disk. Blocks for an fsync; callable from any thread."""
        staged = self.path / "COMMIT.new"
        with staged.open("w") as file:
            file.write(f"{number}\n")
            file.flush()
            os.fsync(file.fileno())
        staged.replace(self.path / "COMMIT")

    def close(self) -> None:
        """Closes the database and lets others in."""
        self.store.close()
        os.close(self.owner_fd)


def open_directory(
    path: str | os.PathLike[str], *, create: bool = True, accept_data_loss: bool = False
) -> DataDirectory:
    """Opens the data directory at `path`; makes it when it does not exist and `create` is set.

    `accept_data_loss` opens a database whose last commit is older than COMMIT says. Raises StoreError.
    """
    directory = Path(path).absolute()
    _prepare(directory, create=create)
    owner_fd = _take(directory)
    try:
        _check_format(directory)
        store = _open_database(directory)
        try:
            _check_commit(directory, store, accept_data_loss=accept_data_loss)
        except StoreError:
            store.close()
            raise
    except BaseException:
        os.close(owner_fd)
        raise
    opened = DataDirectory(directory, store, owner_fd)
    if accept_data_loss:
        opened.record_commit(last_commit(store)[0])
    return opened


def _prepare(directory: Path, *, create: bool) -> None:
    if not create and not directory.exists():
        raise StoreError(f"{directory} does not exist: name the directory that 'rockqueue serve' was given")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise StoreError(f"{directory} is a file: name a directory for the jobs, a new one will be made") from error
    except OSError as error:
        raise StoreError(
            f"{directory} cannot be made ({error.strerror}): check its parent's permissions and space"
        ) from error
    if (directory / "BACKUP").exists():
        raise StoreError(
            f"{directory} is a backup: make a new folder of it with 'rockqueue restore', so that it stays as it is"
        )
    if not os.access(directory, os.W_OK | os.X_OK) or _on_read_only_mount(directory):
        raise StoreError(f"{directory} is read-only: give this user write permission, or name another directory")


def _on_read_only_mount(directory: Path) -> bool:
    return bool(os.statvfs(directory).f_flag & os.ST_RDONLY)


def _take(directory: Path) -> int:
    try:
        fd = os.open(directory / "OWNER", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"{directory} cannot be written ({error.strerror}): check its permissions and space"
        ) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.read(fd, 32).decode(errors="replace").strip() or "unknown"
        os.close(fd)
        raise StoreError(
            f"{directory} is taken: process {owner} is using it. Stop that process, connect to its server instead, "
            "or name another directory"
        ) from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _check_format(directory: Path) -> None:
    marker = directory / "FORMAT"
    if marker.exists():
        found = marker.read_text(errors="replace").strip()
        if found != FORMAT:
            raise StoreError(
                f"{directory} has format {found!r}, this version reads {FORMAT!r}: "
                "use the version that wrote it, or upgrade"
            )
        return
    foreign = sorted(entry.name for entry in directory.iterdir() if entry.name not in ("OWNER", "lost+found"))
    if foreign:
        raise StoreError(
            f"{directory} is not a RockQueue directory (it holds {foreign[0]!r} and no FORMAT file): "
            "name an empty directory or one that RockQueue made"
        )
    staged = directory / "FORMAT.new"
    try:
        with staged.open("w") as file:
            file.write(FORMAT + "\n")
            file.flush()
            os.fsync(file.fileno())
        staged.replace(marker)
        sync_directory(directory)
    except OSError as error:
        raise StoreError(
            f"{directory} cannot be written ({error.strerror}): check its permissions and space"
        ) from error


def sync_directory(directory: Path) -> None:
    """Makes the names in a folder survive a power loss."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _open_database(directory: Path) -> RocksStore:
    try:
        return RocksStore(directory / "db")
    except Exception as error:
        text = str(error)
        if "No space left" in text:
            raise StoreError(
                f"{directory}: the disk is full. Free some space and start again; nothing was lost"
            ) from error
        if "lock" in text.lower() and "LOCK" in text:
            raise StoreError(f"{directory} is taken by another process: stop it, or name another directory") from error
        if "Permission denied" in text or "Read-only file system" in text:
            raise StoreError(f"{directory} is read-only: give this user write permission on all its files") from error
        raise damaged(directory, error) from error


def is_damage(error: BaseException) -> bool:
    """True for what reading raises when it does not find what was written. Errors of rocksdict have no class."""
    return type(error) is Exception or isinstance(
        error, (RuntimeError, ValueError, IndexError, KeyError, struct.error, DecodeError)
    )


def damaged(directory: Path, error: BaseException) -> StoreError:
    """What to say of a store whose files, or what is in them, cannot be read."""
    return StoreError(
        f"{directory} is damaged and was not opened, so that nothing more is lost ({_one_line(str(error))}). "
        "Keep a copy of the directory, check the disk, and restore the last backup"
    )


def disk_failed(directory: Path, error: BaseException) -> StoreError:
    """What to say when the disk fails while a store is opened or closed."""
    return StoreError(
        f"{directory}: the disk failed ({_one_line(str(error))}). What was acknowledged is kept. Check the disk, free "
        "space on it, and start again"
    )


def _check_commit(directory: Path, store: RocksStore, *, accept_data_loss: bool) -> None:
    promised = _recorded_commit(directory)
    found = last_commit(store)[0]
    if found < promised and not accept_data_loss:
        raise StoreError(
            f"{directory} has lost writes that were on disk: its last commit is {found}, but commit {promised} was "
            "acknowledged. Its log was cut or replaced. Keep a copy and restore the last backup, or start with "
            "--accept-data-loss to go on with what is left"
        )


def last_commit(store: RocksStore) -> tuple[int, int]:
    """Number and server time, in microseconds, of the last commit in a store."""
    value = store.column("meta").get(COMMIT_KEY)
    return COMMIT_VALUE.unpack(value) if value else (0, 0)


def _recorded_commit(directory: Path) -> int:
    try:
        return int((directory / "COMMIT").read_text())
    except FileNotFoundError:
        return 0
    except ValueError as error:
        raise StoreError(
            f"{directory / 'COMMIT'} is damaged: check the disk. "
            "If 'rockqueue check' finds the rest whole, delete this file"
        ) from error


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
