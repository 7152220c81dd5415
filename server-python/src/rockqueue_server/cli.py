"""The command `rockqueue`: serve, check, backup, restore, version.

Only the command line itself is imported here; each command imports what it needs, so that help and mistakes answer at
once.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from rockqueue_server.backup_commands import BACKUP_EPILOG, RESTORE_EPILOG, backup_command, restore_command
from rockqueue_server.command_help import PlainHelp
from rockqueue_server.config import (
    DEFAULT_LISTEN,
    DEFAULT_METRICS,
    DEFAULT_MIN_FREE_MIB,
    LOG_LEVELS,
    ServeConfig,
    TcpAddress,
    parse_address,
    parse_duration,
    version,
)
from rockqueue_server.webhooks.addresses import parse_network

EXIT_STORE = 3
EXIT_PROBLEMS = 4
SHOWN_PROBLEMS = 50
SWITCH_S = 0.001

SERVE_EPILOG = (
    "Exit codes: 0 stopped by SIGTERM or SIGINT after draining; 2 an option or an address is wrong or taken; 3 the "
    "folder cannot be opened; 70 the disk failed; 130 a second signal ended it at once."
)
CHECK_EPILOG = (
    "Exit codes: 0 the books balance; 3 the folder cannot be opened, as when a server has it; 4 problems found."
)

ValueT = TypeVar("ValueT")

app = typer.Typer(
    name="rockqueue",
    help="RockQueue: a durable job queue in one program and one folder.\n\n"
    "Start with: rockqueue serve ./jobs.db. Then push jobs from Python, Node or Go.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Directory = Annotated[
    Path,
    typer.Argument(metavar="DIR", envvar="ROCKQUEUE_DIR", help="The folder that holds the jobs.", show_default=False),
]
Listen = Annotated[
    str,
    typer.Option(
        envvar="ROCKQUEUE_LISTEN",
        metavar="ADDRESS",
        help="Where clients connect: HOST:PORT, [IPV6]:PORT or unix:PATH. Port 0 takes a free one. There is no "
        "authentication yet: stay on 127.0.0.1, or on a Unix socket, which only your own user can open.",
    ),
]
Metrics = Annotated[
    str,
    typer.Option(
        envvar="ROCKQUEUE_METRICS",
        metavar="ADDRESS|off",
        help="Where /metrics (Prometheus), /healthz and /readyz are served; off for nowhere.",
    ),
]
DrainGrace = Annotated[
    str,
    typer.Option(
        envvar="ROCKQUEUE_DRAIN_GRACE",
        metavar="DURATION",
        help="How long running jobs may take to finish when the server is asked to stop: 30s, 500ms, 2m.",
    ),
]
ReadyFile = Annotated[
    Path | None,
    typer.Option(
        envvar="ROCKQUEUE_READY_FILE",
        metavar="PATH",
        show_default=False,
        help="For programs that start a server: once it takes calls, its addresses stand here as JSON "
        '{"listen": ..., "metrics": ..., "pid": ...}. Removed when it stops.',
    ),
]
LogLevel = Annotated[
    str,
    typer.Option(envvar="ROCKQUEUE_LOG_LEVEL", metavar="|".join(LOG_LEVELS), help="What to log, from this level on."),
]
Reflection = Annotated[
    bool,
    typer.Option("--reflection", envvar="ROCKQUEUE_REFLECTION", help="Let tools such as grpcurl list the methods."),
]
Testing = Annotated[
    bool,
    typer.Option(
        "--testing",
        envvar="ROCKQUEUE_TESTING",
        help="Also serve rockqueue.testing.v1, such as a clock that clients can turn. Never in production.",
    ),
]
Embedded = Annotated[
    bool,
    typer.Option(
        "--embedded",
        envvar="ROCKQUEUE_EMBEDDED",
        help="For a program that starts a server for itself alone: the workers of its former run are gone, so jobs "
        "that were active are ready at once, one crash each, and no lease is waited for.",
    ),
]
AcceptDataLoss = Annotated[
    bool,
    typer.Option(
        "--accept-data-loss",
        envvar="ROCKQUEUE_ACCEPT_DATA_LOSS",
        help="Open a folder although acknowledged jobs are missing from it. Only after an error message said so.",
    ),
]
MinFree = Annotated[
    int,
    typer.Option(
        envvar="ROCKQUEUE_MIN_FREE_MIB",
        min=0,
        metavar="MIB",
        help="Pushes are refused (STORAGE_FULL) while the disk has less free than this; what drains the queue goes on.",
    ),
]
WebhookAllow = Annotated[
    list[str] | None,
    typer.Option(
        "--webhook-allow",
        envvar="ROCKQUEUE_WEBHOOK_ALLOW",
        metavar="NETWORK",
        show_default=False,
        help="A network that webhooks may be sent to although it is private, such as 10.0.0.0/8. May be given more "
        "than once. Without it they go to public addresses only.",
    ),
]
BackupDir = Annotated[
    Path | None,
    typer.Option(
        "--backup-dir",
        envvar="ROCKQUEUE_BACKUP_DIR",
        metavar="DIR",
        show_default=False,
        help="A folder of its own for backups that clients ask for (rockqueue backup --server). On another disk they "
        "survive this one; on the same one they are links, made in no time. Without it backups are off.",
    ),
]
WriteTimeout = Annotated[
    str | None, typer.Option("--write-timeout", envvar="ROCKQUEUE_WRITE_TIMEOUT", metavar="DURATION", hidden=True)
]
Defect = Annotated[list[str] | None, typer.Option("--defect", envvar="ROCKQUEUE_DEFECT", hidden=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")]


def main() -> None:
    """Runs the command line."""
    # gRPC's native part writes lines of its own to stderr, which is kept for JSON.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    app()


@app.command("serve", cls=PlainHelp, epilog=SERVE_EPILOG)
def serve_command(
    directory: Directory,
    listen: Listen = DEFAULT_LISTEN,
    metrics: Metrics = DEFAULT_METRICS,
    drain_grace: DrainGrace = "30s",
    ready_file: ReadyFile = None,
    log_level: LogLevel = "info",
    reflection: Reflection = False,
    testing: Testing = False,
    embedded: Embedded = False,
    accept_data_loss: AcceptDataLoss = False,
    min_free_mib: MinFree = DEFAULT_MIN_FREE_MIB,
    webhook_allow: WebhookAllow = None,
    backup_dir: BackupDir = None,
    write_timeout: WriteTimeout = None,
    defect: Defect = None,
) -> None:
    """Serve the jobs in DIR until SIGTERM or SIGINT. A folder that does not exist is made.

    Examples:
      rockqueue serve ./jobs.db
      rockqueue serve ./jobs.db --listen unix:/run/rockqueue.sock --metrics off
      rockqueue serve ./jobs.db --listen 127.0.0.1:0 --ready-file ready.json

    Once the log (JSON lines on stderr) says "ready", point clients at it:
      export ROCKQUEUE_URL=rockqueue://127.0.0.1:7655
    """
    if defect:
        _check_defects(defect, testing=testing)
    if write_timeout is not None and not testing:
        raise typer.BadParameter("needs --testing", param_hint="--write-timeout")
    if log_level not in LOG_LEVELS:
        raise typer.BadParameter(f"{log_level!r} is none of {', '.join(LOG_LEVELS)}", param_hint="--log-level")
    config = ServeConfig(
        directory=directory,
        listen=_checked("--listen", parse_address, listen),
        metrics=None if metrics == "off" else _checked("--metrics", _tcp_address, metrics),
        ready_file=ready_file,
        testing=testing,
        reflection=reflection,
        drain_grace_s=_checked("--drain-grace", parse_duration, drain_grace),
        embedded=embedded,
        accept_data_loss=accept_data_loss,
        min_free_bytes=min_free_mib << 20,
        backup_dir=backup_dir.absolute() if backup_dir is not None else None,
        log_level=log_level,
        webhook_allow=tuple(_checked("--webhook-allow", parse_network, text) for text in webhook_allow or ()),
        write_timeout_s=_checked("--write-timeout", parse_duration, write_timeout)
        if write_timeout is not None
        else None,
        defects=frozenset(defect or ()),
    )
    raise typer.Exit(_serve(config))


@app.command("check", cls=PlainHelp, epilog=CHECK_EPILOG)
def check_command(directory: Directory, as_json: AsJson = False) -> None:
    """Compare the counters, indexes and records in DIR with each other. Its server must be stopped first.

    Examples:
      rockqueue check ./jobs.db
      rockqueue check ./jobs.db --json
    """
    from rockqueue_server.store.opening import StoreError
    from rockqueue_server.verify import verify_directory

    try:
        report = verify_directory(directory)
    except StoreError as error:
        typer.echo(f"rockqueue: {error}", err=True)
        raise typer.Exit(EXIT_STORE) from None
    counts = dict(sorted(report.queues.items()))
    if as_json:
        typer.echo(json.dumps({"jobs": report.jobs, "queues": counts, "problems": report.problems}))
    else:
        _show_report(directory, report.jobs, counts, report.problems)
    raise typer.Exit(EXIT_PROBLEMS if report.problems else 0)


app.command("backup", cls=PlainHelp, epilog=BACKUP_EPILOG)(backup_command)
app.command("restore", cls=PlainHelp, epilog=RESTORE_EPILOG)(restore_command)


@app.command("version")
def version_command() -> None:
    """Print the version."""
    typer.echo(f"rockqueue {version()}")


def _check_defects(defects: Sequence[str], *, testing: bool) -> None:
    from rockqueue_server.core import DEFECTS

    if not testing:
        raise typer.BadParameter("needs --testing", param_hint="--defect")
    for defect in defects:
        if defect not in DEFECTS:
            raise typer.BadParameter(f"{defect!r} is none of {', '.join(DEFECTS)}", param_hint="--defect")


def _serve(config: ServeConfig) -> int:
    from rockqueue_server import logs

    logs.configure(config.log_level)
    # The thread that syncs the log needs the interpreter's lock before and after each fsync, while the loop is busy.
    sys.setswitchinterval(SWITCH_S)
    from rockqueue_server.api.lifecycle import run

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(run(config))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop for calls: uvloop takes about a third off their cost. It does not exist for Windows."""
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _checked(option: str, parse: Callable[[str], ValueT], text: str) -> ValueT:
    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _tcp_address(text: str) -> TcpAddress:
    address = parse_address(text)
    if not isinstance(address, TcpAddress):
        raise ValueError("metrics are served on HOST:PORT only, or off")  # noqa: TRY004 - a wrong value, read as text
    return address


def _show_report(directory: Path, jobs: int, queues: Mapping[str, Mapping[str, int]], problems: Sequence[str]) -> None:
    """Queues and their counts as a table, then each problem on a line, then the verdict."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    if queues:
        table = Table("queue", *next(iter(queues.values())))
        for queue, counts in queues.items():
            table.add_row(queue, *map(str, counts.values()))
        console.print(table)
    for problem in problems[:SHOWN_PROBLEMS]:
        console.print(f"problem: {escape(problem)}")
    if len(problems) > SHOWN_PROBLEMS:
        console.print(f"... and {len(problems) - SHOWN_PROBLEMS} more; see them all with --json")
    verdict = f"{len(problems)} problems" if problems else "the books balance"
    console.print(f"{escape(str(directory))}: {jobs} jobs looked at, {verdict}")
