"""Backups of the store while it is served.

First what is in memory goes into files, in a thread; then, between two operations of the engine, a checkpoint is
taken, which is as of exactly one commit and holds up everything for tens of milliseconds; then a thread makes a backup
of it. One backup is made at a time. It goes on when its caller gives up, and is given up itself when the server stops.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rockqueue.v1 import server_service_pb2
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.times import timestamp
from rockqueue_server.errors import (
    ServiceError,
    backup_exists,
    backups_off,
    shutting_down,
    storage_failed,
    storage_full,
)
from rockqueue_server.store import backup
from rockqueue_server.store.base import StorageFailed, StorageFull
from rockqueue_server.store.opening import StoreError

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.services.intake import Intake
    from rockqueue_server.store.opening import DataDirectory

log = logging.getLogger("rockqueue.backups")


class _GivenUp(Exception):
    """The server stops."""


class Backups:
    """Makes backups in `place` and lists them; both are refused when there is no place."""

    def __init__(self, engine: Engine, intake: Intake, directory: DataDirectory, place: Path | None) -> None:
        self._engine = engine
        self._intake = intake
        self._store = directory.store
        self._checkpoint = directory.path / backup.CHECKPOINT
        self._place = place
        self._one_at_a_time = asyncio.Lock()
        self._given_up = threading.Event()
        self._running: set[asyncio.Task[backup.Backup]] = set()
        # Its links would keep files that the store has done with.
        shutil.rmtree(self._checkpoint, ignore_errors=True)

    @property
    def on(self) -> bool:
        """Whether there is a place for backups."""
        return self._place is not None

    async def create(self, request: server_service_pb2.CreateBackupRequest) -> server_service_pb2.CreateBackupResponse:
        """CreateBackup."""
        self._intake.check_open()
        problems = Problems()
        problems.backup_name("name", request.name)
        problems.check()
        if self._place is None:
            raise backups_off()
        self._intake.check_disk()
        task = asyncio.create_task(self._make(self._place, request.name), name="backup")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # A caller that goes away leaves a backup behind, not a half one.
        made = await asyncio.shield(task)
        return server_service_pb2.CreateBackupResponse(backup=_shown(made))

    async def list(self) -> server_service_pb2.ListBackupsResponse:
        """ListBackups."""
        if self._place is None:
            raise backups_off()
        found = await asyncio.to_thread(backup.find_backups, self._place)
        return server_service_pb2.ListBackupsResponse(backups=[_shown(one) for one in found])

    async def close(self) -> None:
        """Gives up what is under way, and waits until nothing touches the store any more."""
        self._given_up.set()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _make(self, place: Path, name: str) -> backup.Backup:
        async with self._one_at_a_time:
            name = name or _name_by_time(self._engine.clock.now_us())
            if "backup_overwrites" in self._engine.defects:
                shutil.rmtree(place / name, ignore_errors=True)
            try:
                if (place / name).exists():
                    raise backup_exists(name)
                return await self._copy(place, name)
            except (OSError, StorageFull, StorageFailed) as error:
                raise _failed(error) from error
            except backup.BackupExists as error:
                raise backup_exists(name) from error
            except _GivenUp:
                raise shutting_down() from None
            finally:
                await asyncio.to_thread(shutil.rmtree, self._checkpoint, ignore_errors=True)

    async def _copy(self, place: Path, name: str) -> backup.Backup:
        await asyncio.to_thread(shutil.rmtree, self._checkpoint, ignore_errors=True)
        await asyncio.to_thread(backup.remove_leftovers, place)
        await asyncio.to_thread(self._store.flush)
        self._go_on(0)
        create_us, commit = await self._engine.submit(self._take)
        made = await asyncio.to_thread(backup.assemble, self._checkpoint, place, name, create_us, commit, self._go_on)
        log.info("backup made", extra={"path": str(made.path), "commit": commit, "size_bytes": made.size_bytes})
        return made

    def _take(self, now_us: int) -> tuple[int, int]:
        """An operation of the engine: the checkpoint, as of the last commit. Its answer waits until that is on disk."""
        try:
            self._store.checkpoint(self._checkpoint)
        except (StorageFull, StorageFailed) as error:
            raise _failed(error) from error
        return now_us, self._engine.written

    def _go_on(self, _: int) -> None:
        if self._given_up.is_set():
            raise _GivenUp


def prepare(place: Path) -> None:
    """Makes the place for backups, and removes what an interrupted one left there. Raises StoreError."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        backup.remove_leftovers(place)
    except OSError as error:
        raise StoreError(
            f"{place} cannot hold backups ({error.strerror}): name a folder that this user may write with --backup-dir"
        ) from error


def _failed(error: Exception) -> ServiceError:
    """What a caller is told. The store itself is as it was: only the backup is not there."""
    log.error("a backup failed", extra={"reason": str(error)})
    no_space = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return storage_full() if no_space or isinstance(error, StorageFull) else storage_failed()


def _name_by_time(now_us: int) -> str:
    return datetime.fromtimestamp(now_us // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")


def _shown(one: backup.Backup) -> server_service_pb2.Backup:
    return server_service_pb2.Backup(
        name=one.name,
        path=str(one.path),
        create_time=timestamp(one.create_us),
        commit=one.commit,
        size_bytes=one.size_bytes,
    )
