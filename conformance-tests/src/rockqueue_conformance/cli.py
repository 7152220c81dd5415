"""The command `rockqueue-conformance`: run, prove, list, requirements, validate, drive."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Coroutine, Generator, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from rockqueue_conformance.defects import load_defects
from rockqueue_conformance.known_failing import load_known_failing
from rockqueue_conformance.language.load import BadCases, Suite
from rockqueue_conformance.language.model import Case, Variant
from rockqueue_conformance.plan import (
    SDK_JOBS,
    SERVER_JOBS,
    Plan,
    load_sdk_mode,
    load_server_mode,
    plan_sdk_run,
    plan_server_run,
)
from rockqueue_conformance.prove import Verdict, proof_of_server
from rockqueue_conformance.prove_fields import prove_fields
from rockqueue_conformance.report.files import write_jsonl, write_junit
from rockqueue_conformance.report.matrix import matrix
from rockqueue_conformance.report.progress import RunProgress
from rockqueue_conformance.report.summary import closing
from rockqueue_conformance.requirements import Requirement, uncovered
from rockqueue_conformance.runner.execute import Result
from rockqueue_conformance.runner.expand import Choice, chosen, variants
from rockqueue_conformance.runner.suite import Target
from rockqueue_conformance.sdk.drive import drive_by_hand
from rockqueue_conformance.sdk.drivers import DriverMissing, choose_drivers, load_drivers
from rockqueue_conformance.sdk.prove import proof_of_sdk
from rockqueue_conformance.target.process import DEFAULT_COMMAND

_STOPPED = 143
Outcome = TypeVar("Outcome")

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Proves that servers and SDKs keep the RockQueue contract."
)

Mode = Annotated[str, typer.Option("--mode", help="What to prove: server, sdk, or all.")]
Sdk = Annotated[
    list[str], typer.Option("--sdk", help="Only this driver, or this language; all that are there unless set.")
]

Run = Annotated[list[str], typer.Option("--run", help="Only cases or variants of this name; * and ? are wildcards.")]
Skip = Annotated[list[str], typer.Option("--skip", help="Not the cases or variants of this name.")]
Delivery = Annotated[list[str], typer.Option("--delivery", help="Only this delivery: stream or pull.")]
Command = Annotated[
    str, typer.Option("--server-command", help="How to start a server; {dir} and {ready_file} are filled in.")
]
Jobs = Annotated[
    int,
    typer.Option("--jobs", "-j", help="Servers to run cases on at the same time; 0: 2, or 4 for SDKs.", min=0, max=16),
]


@app.command()
def run(
    mode: Mode = "server",
    sdk: Sdk = [],
    run: Run = [],
    skip: Skip = [],
    delivery: Delivery = [],
    crash: Annotated[str, typer.Option(help="Kills between steps: off, some, or full.")] = "some",
    address: Annotated[str, typer.Option(help="A server that runs already, as host:port.")] = "",
    server_command: Command = "",
    known_failing: Annotated[Path | None, typer.Option(help="Patterns of known failures, a reason each.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report here.")] = None,
    jsonl: Annotated[Path | None, typer.Option(help="Write a JSON object a line here.")] = None,
    matrix_file: Annotated[
        Path | None, typer.Option("--matrix", help="Write requirement x target here (Markdown); - prints it.")
    ] = None,
    jobs: Jobs = 0,
    frames: Annotated[int, typer.Option(help="Messages to show with each failure.")] = 8,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name every variant.")] = False,
) -> None:
    """Runs cases against a server, with SDKs, or both. Exits with 1 when a case failed, or when nothing ran."""
    known = load_known_failing(known_failing)
    plans: list[Plan] = []
    with _telling():
        if mode in ("server", "all"):
            choice = Choice(tuple(run), tuple(skip), tuple(delivery) or Choice().deliveries, crash)
            target = Target(address=address) if address else _target(server_command)
            plans.append(plan_server_run(choice, target, known, jobs or SERVER_JOBS))
        if mode in ("sdk", "all"):
            names = (tuple(run), tuple(skip))
            plans.append(plan_sdk_run(tuple(sdk), *names, known, _command(server_command), jobs or SDK_JOBS))
    began = time.monotonic()
    results: list[Result] = []
    tables: list[str] = []
    for plan in plans:
        with _telling(), RunProgress(Console(), len(plan.variants), verbose=verbose) as progress:
            found = _finish(plan.start(progress.show))
        tables.append(matrix(plan.requirements, plan.by_target(found)))
        results += found
    _write(results, "\n\n".join(tables), junit, jsonl, matrix_file)
    print(closing(results, [one for plan in plans for one in plan.lacking], known, time.monotonic() - began, frames))
    ran = any(one.outcome in ("passed", "known") for one in results)
    raise typer.Exit(1 if not ran or any(one.outcome == "failed" for one in results) else 0)


def _write(
    results: Sequence[Result], table: str, junit: Path | None, jsonl: Path | None, matrix_file: Path | None
) -> None:
    """Writes the reports that were asked for."""
    if junit is not None:
        write_junit(junit, results)
    if jsonl is not None:
        write_jsonl(jsonl, results)
    if matrix_file is not None and str(matrix_file) == "-":
        print(table, end="\n\n")
    elif matrix_file is not None:
        matrix_file.write_text(table + "\n")


@app.command()
def prove(
    mode: Mode = "all",
    run: Annotated[list[str], typer.Option("--run", help="Only defects of this name.")] = [],
    server_command: Command = "",
    jobs: Jobs = 0,
) -> None:
    """Runs the suite against servers and SDKs with a known defect each. Exits with 1 when a defect survives."""
    command, names = _command(server_command), tuple(run)
    with _telling():
        suite, cases = load_server_mode()[0], load_sdk_mode()[0]
        of_server = load_defects(suite.cases) if mode in ("server", "all") else []
        of_sdk = load_defects(cases, name="sdk_defects.yaml") if mode in ("sdk", "all") else []

    def show(verdict: Verdict) -> None:
        print(verdict, flush=True)

    print(f"{'defect':<32} killed by")
    verdicts = _finish(proof_of_server(suite.cases, command).prove(of_server, names, jobs or SERVER_JOBS, show))
    verdicts += _finish(proof_of_sdk(cases, command).prove(of_sdk, names, jobs or SDK_JOBS, show))
    survived = [one.defect.name for one in verdicts if not one.killed_by]
    print(f"{len(verdicts) - len(survived)} killed, {len(survived)} survived")
    raise typer.Exit(1 if survived or not verdicts else 0)


@app.command("prove-fields")
def prove_fields_command(
    only: Annotated[str, typer.Option(help="Only fields whose name holds this, such as `request JobSpec`.")] = "",
    run: Run = [],
    server_command: Command = "",
    jobs: Jobs = SERVER_JOBS,
) -> None:
    """Takes each field of the contract out of all messages in turn.

    Exits with 1 when no case misses one, or one misses what stands among those that cannot be missed.
    """
    suite, _ = _load()
    chosen = variants(suite.cases, Choice(tuple(run), crash="off"))
    verdicts = _finish(prove_fields(chosen, _target(server_command), jobs, only, lambda one: print(one, flush=True)))
    survived, in_vain = sum(one.survived for one in verdicts), sum(one.excused_in_vain for one in verdicts)
    print(f"{len(verdicts) - survived} fields missed or excused, {in_vain} of them in vain, {survived} survived")
    raise typer.Exit(1 if survived or in_vain or not verdicts else 0)


@app.command("list")
def list_cases(mode: Mode = "server", run: Run = [], skip: Skip = []) -> None:
    """Lists cases with what they prove."""
    number = 0
    for case in _cases(mode):
        if chosen(Variant(case), tuple(run), tuple(skip)):
            number += 1
            print(f"{case.id}  ({', '.join(case.proves)})\n    {case.doc}")
    print(f"{number} cases")


@app.command()
def requirements(
    mode: Mode = "server",
    lacking: Annotated[bool, typer.Option("--uncovered", help="Only those no case proves.")] = False,
) -> None:
    """Lists the requirements and how many cases prove each."""
    cases = _cases(mode)
    with _telling():
        rows = [*(load_server_mode()[1] if mode != "sdk" else []), *(load_sdk_mode()[1] if mode != "server" else [])]
    for one in uncovered(cases, rows) if lacking else rows:
        number = sum(one.id in case.proves for case in cases)
        print(f"{one.id}  [{number} cases]  {one.text}  ({one.source})")
    print(f"{len(rows)} requirements, {len(uncovered(cases, rows))} without a case")


@app.command()
def validate() -> None:
    """Checks every data file of the suite without running anything."""
    with _telling():
        (suite, rows), (sdk_cases, sdk_rows) = load_server_mode(), load_sdk_mode()
    load_defects(suite.cases)
    load_defects(sdk_cases, name="sdk_defects.yaml")
    total = len(variants(suite.cases, Choice()))
    print(f"{len(suite.cells)} cells in the table of errors, {len(rows)} requirements")
    print(f"{len(suite.cases)} cases in {total} variants: well-formed")
    print(f"SDK mode: {len(sdk_rows)} requirements, {len(sdk_cases)} cases: well-formed")


@app.command()
def drive(name: Annotated[str, typer.Argument(help="The driver, as `drivers.yaml` has it.")]) -> None:
    """Starts a driver alone: commands as JSON on stdin, one a line; what it says on stdout."""
    with _telling():
        (driver,) = choose_drivers(load_drivers(), (name,))
        _finish(drive_by_hand(driver))


def _cases(mode: str) -> list[Case]:
    with _telling():
        of_server = load_server_mode()[0].cases if mode != "sdk" else []
        return of_server + (load_sdk_mode()[0] if mode != "server" else [])


def _load() -> tuple[Suite, list[Requirement]]:
    with _telling():
        return load_server_mode()


@contextlib.contextmanager
def _telling() -> Generator[None]:
    """Ends with code 2, and what to mend, when data files are wrong or a driver is not there."""
    try:
        yield
    except BadCases as bad:
        print(f"{bad}\n{len(bad.problems)} problems in the case files", file=sys.stderr)
    except DriverMissing as missing:
        print(missing, file=sys.stderr)
    else:
        return
    raise typer.Exit(2)


def _finish(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Runs to the end; SIGTERM ends it like Ctrl-C, so that no server is left behind."""

    async def stoppable() -> Outcome:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(stoppable())
    except asyncio.CancelledError:
        raise typer.Exit(_STOPPED) from None


def _target(server_command: str) -> Target:
    return Target(command=_command(server_command), reference=not server_command)


def _command(given: str) -> str:
    """The server command: as given, or `rockqueue serve` as it stands beside this program or on the path."""
    if given:
        return given
    beside = Path(sys.executable).parent / "rockqueue"
    found = str(beside) if beside.exists() else shutil.which("rockqueue")
    if found is None:
        print(
            "no `rockqueue` command: install rockqueue-server, or give --server-command or --address", file=sys.stderr
        )
        raise typer.Exit(2)
    return DEFAULT_COMMAND.replace("rockqueue", found, 1)


def main() -> None:
    """Entry point of the command."""
    app()
