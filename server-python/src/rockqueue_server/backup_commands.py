"""The commands `rockqueue backup` and `rockqueue restore`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rockqueue.v1 import server_service_pb2
    from rockqueue_server.store.backup import Backup

EXIT_REFUSED = 1
EXIT_STORE = 3
EXIT_PROBLEMS = 4

BACKUP_EPILOG = (
    "Exit codes: 0 the backup is complete and on disk; 1 the server refused, or cannot be reached; 2 an argument is "
    "wrong, or there is something at DEST; 3 the folder cannot be opened, as when a server has it."
)
RESTORE_EPILOG = (
    "Exit codes: 0 restored and checked; 3 BACKUP cannot be read, or DIR exists or cannot be written; 4 the check "
    "found problems: nothing was restored."
)

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="DIR", show_default=False, help="The folder that holds the jobs. With --server: the backup's name."
    ),
]
Destination = Annotated[
    Path | None,
    typer.Argument(metavar="DEST", show_default=False, help="The folder to make. Not with --server."),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="ADDRESS",
        show_default=False,
        help="Let this server do it while it works on, into its --backup-dir: HOST:PORT, rockqueue://HOST:PORT or "
        "unix:PATH.",
    ),
]
BackupFolder = Annotated[Path, typer.Argument(metavar="BACKUP", show_default=False, help="The folder of a backup.")]
Target = Annotated[
    Path, typer.Argument(metavar="DIR", show_default=False, help="The folder to make. It must not exist.")
]


def backup_command(source: Source = None, destination: Destination = None, server: Server = None) -> None:
    """Copy all jobs, as of one moment, into a folder of its own.

    A running server does it itself and works on meanwhile; it must have been started with --backup-dir. A stopped one's
    folder is copied directly. On the same file system a backup is made of links: it costs no time and no space, and is
    not changed by what comes later, but it does not survive the disk. Keep backups on another one.

    Examples:
      rockqueue backup --server 127.0.0.1:7655         # named by the time
      rockqueue backup --server 127.0.0.1:7655 before-upgrade
      rockqueue backup ./jobs.db /mnt/backups/monday   # of a stopped server

    Then, if it comes to the worst:
      rockqueue restore /mnt/backups/monday ./jobs.db
    """
    if server is not None and destination is None:
        made = _ask(server, source or "")
    elif server is None and source is not None and destination is not None:
        made = _copy(Path(source), destination.absolute())
    else:
        raise typer.BadParameter("name DIR and DEST, or give --server and at most a name")
    typer.echo(f"{made.path}: {_size(made.size_bytes)}, as of commit {made.commit}")


def restore_command(backup: BackupFolder, target: Target) -> None:
    """Make a folder of jobs out of a backup, and check it. Nothing is ever restored over another store.

    The copy stands on its own: neither it nor the backup is changed by what happens to the other. Jobs that were with
    workers at the time of the backup are with them still; those whose workers do not come back are delivered again.
    What was pushed or finished after the backup is not in it, so jobs may run twice: handlers must allow for that.

    Example:
      rockqueue restore /mnt/backups/monday ./jobs.db
      rockqueue serve ./jobs.db
    """
    from rockqueue_server.restore import restore, size_of
    from rockqueue_server.store.backup import NoBackup
    from rockqueue_server.store.opening import StoreError

    try:
        with _progress(size_of(backup), "copying and checking") as advance:
            report = restore(backup, target, advance)
    except (NoBackup, StoreError) as error:
        _fail(str(error), EXIT_STORE)
    except OSError as error:
        _fail(f"{target} cannot be written ({error.strerror}): check its permissions and space", EXIT_STORE)
    if report.problems:
        for problem in report.problems[:50]:
            typer.echo(f"problem: {problem}", err=True)
        _fail(f"{backup} has {len(report.problems)} problems: nothing was restored", EXIT_PROBLEMS)
    typer.echo(f"{target}: {report.jobs} jobs restored, the books balance")


def _copy(source: Path, destination: Path) -> Backup:
    """The backup of a store that nobody has open."""
    import shutil

    from rockqueue_server.store.backup import CHECKPOINT, BackupExists, assemble
    from rockqueue_server.store.base import StorageFailed, StorageFull
    from rockqueue_server.store.opening import StoreError, last_commit, open_directory

    if destination.name.startswith("."):
        raise typer.BadParameter("must not begin with '.'", param_hint="DEST")
    try:
        opened = open_directory(source, create=False)
    except StoreError as error:
        _fail(f"{error}. A running server makes a backup with: rockqueue backup --server ADDRESS", EXIT_STORE)
    checkpoint = opened.path / CHECKPOINT
    try:
        shutil.rmtree(checkpoint, ignore_errors=True)
        opened.store.flush()
        opened.store.checkpoint(checkpoint)
        commit, create_us = last_commit(opened.store)
        size = sum(file.stat().st_size for file in checkpoint.iterdir())
        with _progress(size, "copying") as advance:
            return assemble(checkpoint, destination.parent, destination.name, create_us, commit, advance)
    except BackupExists:
        _fail(f"{destination} exists: name a folder that does not", 2)
    except (OSError, StorageFull, StorageFailed) as error:
        _fail(f"{destination} cannot be written ({error}): check permissions and space", EXIT_STORE)
    finally:
        shutil.rmtree(checkpoint, ignore_errors=True)
        opened.close()


def _ask(server: str, name: str) -> server_service_pb2.Backup:
    """The backup that a server makes."""
    import grpc

    from rockqueue.v1 import server_service_pb2, server_service_pb2_grpc

    with grpc.insecure_channel(server.removeprefix("rockqueue://")) as channel:
        stub = server_service_pb2_grpc.ServerServiceStub(channel)
        try:
            return stub.CreateBackup(server_service_pb2.CreateBackupRequest(name=name)).backup
        except grpc.RpcError as error:
            details = error.details() if isinstance(error, grpc.Call) else str(error)
            _fail(f"{server}: {details}", EXIT_REFUSED)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"rockqueue: {message}", err=True)
    raise typer.Exit(code)


def _size(count: int) -> str:
    mib = 1 << 20
    return f"{count / mib:,.1f} MiB" if count >= mib else f"{count:,} bytes"


@contextmanager
def _progress(total: int, what: str) -> Generator[Callable[[int], None]]:
    """A bar on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
