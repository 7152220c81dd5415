"""Looking after a server: the workers that are there now, and its backups (`client.backups`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rockqueue import _methods as methods
from rockqueue._durations import Seconds, moment, seconds, span
from rockqueue._states import SessionState, session_state
from rockqueue._surface import AsyncPart, SyncPart
from rockqueue.v1 import server_service_pb2, work_service_pb2

PAGE = 1000
# A copy of a large store takes its time.
BACKUP_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker session as the server knows it.

    Attributes:
        session_id, name: The session, and what people call the worker.
        state: How it fares.
        queues: Its queues.
        client, host, pid: The SDK with its version, the machine, and the process there.
        join_time, last_heard_time: When the session was opened, and when the server last heard from it.
        active, credits: How many jobs it has, and how many more it would take now.
        loop_lag: By how much what runs its handlers was late at most before its last heartbeat. None: not measured.
        stuck_job_ids: Jobs whose handlers have run for longer than the worker's `stuck_after`.
    """

    session_id: str
    name: str
    state: SessionState
    queues: tuple[str, ...]
    client: str
    host: str
    pid: int
    join_time: datetime | None
    last_heard_time: datetime | None
    active: int
    credits: int
    loop_lag: timedelta | None
    stuck_job_ids: tuple[str, ...]

    @classmethod
    def of(cls, worker: work_service_pb2.Worker) -> WorkerInfo:
        """The message as a value."""
        return cls(
            session_id=worker.session_id,
            name=worker.name,
            state=session_state(worker.state),
            queues=tuple(worker.queues),
            client=worker.client,
            host=worker.host,
            pid=worker.pid,
            join_time=moment(worker, "join_time"),
            last_heard_time=moment(worker, "last_heard_time"),
            active=worker.active,
            credits=worker.credits,
            loop_lag=span(worker, "loop_lag"),
            stuck_job_ids=tuple(worker.stuck_job_ids),
        )


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole copy of a store: its name, where it lies on the server's machine, and the moment that it shows."""

    name: str
    path: str
    create_time: datetime | None
    commit: int
    size_bytes: int

    @classmethod
    def of(cls, backup: server_service_pb2.Backup) -> Backup:
        """The message as a value."""
        return cls(backup.name, backup.path, moment(backup, "create_time"), backup.commit, backup.size_bytes)


def workers_request(queue: str) -> work_service_pb2.ListWorkersRequest:
    """The first page of a listing of workers."""
    return work_service_pb2.ListWorkersRequest(queue=queue, page_size=PAGE)


def _timeout(timeout: Seconds | None) -> float:
    return BACKUP_TIMEOUT_S if timeout is None else seconds(timeout, "timeout")


class Backups(AsyncPart):
    """`client.backups` of the async client."""

    async def create(self, name: str = "", *, timeout: Seconds | None = None) -> Backup:
        """Writes a whole copy of the store, as of one moment, into the server's `--backup-dir`.

        Default name: the server's time. Default timeout: 10 minutes. It is not repeated when it fails. Raises
        BackupExists, BackupsOff, StorageFull.
        """
        request = server_service_pb2.CreateBackupRequest(name=name)
        return Backup.of((await self._call(methods.CREATE_BACKUP, request, _timeout(timeout))).backup)

    async def list(self) -> Sequence[Backup]:
        """The complete backups, newest first. Raises BackupsOff."""
        response = await self._call(methods.LIST_BACKUPS, server_service_pb2.ListBackupsRequest())
        return [Backup.of(backup) for backup in response.backups]


class SyncBackups(SyncPart):
    """`client.backups` of the sync client; see `Backups`."""

    def create(self, name: str = "", *, timeout: Seconds | None = None) -> Backup:
        """Writes a whole copy of the store into the server's `--backup-dir`. Raises BackupExists, BackupsOff."""
        request = server_service_pb2.CreateBackupRequest(name=name)
        return Backup.of(self._call(methods.CREATE_BACKUP, request, _timeout(timeout)).backup)

    def list(self) -> Sequence[Backup]:
        """The complete backups, newest first. Raises BackupsOff."""
        response = self._call(methods.LIST_BACKUPS, server_service_pb2.ListBackupsRequest())
        return [Backup.of(backup) for backup in response.backups]
