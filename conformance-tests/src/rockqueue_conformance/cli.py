"""The command `rockqueue-conformance`: run, prove, list, requirements, validate."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from rockqueue_conformance.defects import load_defects
from rockqueue_conformance.known_failing import load_known_failing
from rockqueue_conformance.language.load import BadCases, Suite, load_suite
from rockqueue_conformance.prove import prove_defects
from rockqueue_conformance.prove_fields import prove_fields
from rockqueue_conformance.report.files import write_jsonl, write_junit
from rockqueue_conformance.report.matrix import matrix
from rockqueue_conformance.report.progress import RunProgress
from rockqueue_conformance.report.summary import closing
from rockqueue_conformance.requirements import Requirement, check_numbers, load_requirements, uncovered
from rockqueue_conformance.runner.expand import Choice, variants
from rockqueue_conformance.runner.suite import Target, run_variants
from rockqueue_conformance.target.process import DEFAULT_COMMAND

_STOPPED = 143
Result = TypeVar("Result")

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Proves that a server keeps the RockQueue contract.")

Run = Annotated[list[str], typer.Option("--run", help="Only cases or variants of this name; * and ? are wildcards.")]
Skip = Annotated[list[str], typer.Option("--skip", help="Not the cases or variants of this name.")]
Delivery = Annotated[list[str], typer.Option("--delivery", help="Only this delivery: stream or pull.")]
Command = Annotated[
    str, typer.Option("--server-command", help="How to start a server; {dir} and {ready_file} are filled in.")
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Servers to run cases on at the same time.", min=1, max=16)]


@app.command()
def run(
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
    jobs: Jobs = 2,
    frames: Annotated[int, typer.Option(help="Messages to show with each failure.")] = 8,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name every variant.")] = False,
) -> None:
    """Runs cases against a server. Exits with 1 when a case failed, or when nothing ran."""
    suite, requirements = _load()
    known = load_known_failing(known_failing)
    deliveries = tuple(delivery) or Choice().deliveries
    chosen = variants(suite.cases, Choice(tuple(run), tuple(skip), deliveries, crash))
    target = Target(address=address) if address else _target(server_command)
    began = time.monotonic()
    with RunProgress(Console(), len(chosen), verbose=verbose) as progress:
        results = _finish(run_variants(chosen, target, jobs, lambda one: progress.show(known.judge(one))))
    if junit is not None:
        write_junit(junit, results)
    if jsonl is not None:
        write_jsonl(jsonl, results)
    if matrix_file is not None:
        table = matrix(requirements, results, address or "server")
        if str(matrix_file) == "-":
            print(table, end="\n\n")
        else:
            matrix_file.write_text(table + "\n")
    lacking = uncovered(suite.cases, requirements)
    print(closing(results, lacking, known, time.monotonic() - began, frames))
    ran = any(one.outcome in ("passed", "known") for one in results)
    raise typer.Exit(1 if not ran or any(one.outcome == "failed" for one in results) else 0)


@app.command()
def prove(
    run: Annotated[list[str], typer.Option("--run", help="Only defects of this name.")] = [],
    server_command: Command = "",
    jobs: Jobs = 2,
) -> None:
    """Runs the suite against servers with a known defect each. Exits with 1 when a defect survives."""
    suite, _ = _load()
    print(f"{'defect':<32} killed by")
    verdicts = _finish(
        prove_defects(
            suite.cases, load_defects(), tuple(run), _command(server_command), jobs, lambda one: print(one, flush=True)
        )
    )
    survived = [one.defect.name for one in verdicts if not one.killed_by]
    print(f"{len(verdicts) - len(survived)} killed, {len(survived)} survived")
    raise typer.Exit(1 if survived or not verdicts else 0)


@app.command("prove-fields")
def prove_fields_command(
    only: Annotated[str, typer.Option(help="Only fields whose name holds this, such as `request JobSpec`.")] = "",
    server_command: Command = "",
    jobs: Jobs = 2,
) -> None:
    """Takes each field of the contract out of all messages in turn. Exits with 1 when no case misses one."""
    suite, _ = _load()
    chosen = variants(suite.cases, Choice(crash="off"))
    verdicts = _finish(prove_fields(chosen, _target(server_command), jobs, only, lambda one: print(one, flush=True)))
    survived = sum(one.survived for one in verdicts)
    print(f"{len(verdicts) - survived} fields missed or excused, {survived} survived")
    raise typer.Exit(1 if survived or not verdicts else 0)


@app.command("list")
def list_cases(run: Run = [], skip: Skip = []) -> None:
    """Lists cases with what they prove."""
    suite, _ = _load()
    chosen = {one.case.id for one in variants(suite.cases, Choice(tuple(run), tuple(skip)))}
    for case in suite.cases:
        if case.id in chosen:
            print(f"{case.id}  ({', '.join(case.proves)})\n    {case.doc}")
    print(f"{len(chosen)} cases")


@app.command()
def requirements(
    lacking: Annotated[bool, typer.Option("--uncovered", help="Only those no case proves.")] = False,
) -> None:
    """Lists the requirements and how many cases prove each."""
    suite, rows = _load()
    for one in uncovered(suite.cases, rows) if lacking else rows:
        number = sum(one.id in case.proves for case in suite.cases)
        print(f"{one.id}  [{number} cases]  {one.text}  ({one.source})")
    print(f"{len(rows)} requirements, {len(uncovered(suite.cases, rows))} without a case")


@app.command()
def validate() -> None:
    """Checks every data file of the suite without running anything."""
    suite, rows = _load()
    load_defects(suite.cases)
    total = len(variants(suite.cases, Choice()))
    print(f"{len(suite.cells)} cells in the table of errors, {len(rows)} requirements")
    print(f"{len(suite.cases)} cases in {total} variants: well-formed")


def _load() -> tuple[Suite, list[Requirement]]:
    try:
        suite, rows = load_suite(), load_requirements()
        check_numbers(suite.cases, rows)
    except BadCases as bad:
        print(f"{bad}\n{len(bad.problems)} problems in the case files", file=sys.stderr)
        raise typer.Exit(2) from None
    return suite, rows


def _finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs to the end; SIGTERM ends it like Ctrl-C, so that no server is left behind."""

    async def stoppable() -> Result:
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
