"""Run every suite of the repository and sum up what they counted.

The output of a suite goes to `.build/test/NAME.log`; the end of it is shown if the suite failed. The last line is
`N passed, N failed`, summed over the suites. The exit code is 0 only if nothing failed and every suite ran a test.

Thousands of tests with real processes and sockets on a shared machine meet a moment now and then in which nothing runs
for a second. So a few failures of a suite run once more, alone. What passes then is counted as passed, and named above
the sum as unsteady: it is to be looked at, not to be got used to. Suites whose tests look for what happens rarely
(`torture`) have no second try: a job that is lost once in a hundred runs is lost.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / ".build" / "test"
SHOWN_LINES = 60
MOST_AGAIN = 5
"""More failures than that are no accident: there is no second try."""
FAILED_CASE = re.compile(r"^ ?failed (\S+) [\d.]+ s$", re.MULTILINE)
CLOSING_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)


@dataclass(frozen=True)
class Counts:
    """How many tests of a suite passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


@dataclass(frozen=True)
class Suite:
    """A command that runs tests, and how it tells what it counted.

    `counted` is "junit" (pytest, which is asked for a JUnit file), "closing line" (a program that ends with
    `N passed, N failed`) or "exit code" (a program that is one test by itself). After `limit_s` seconds the suite is
    stopped, and has failed. `again` is how the failures alone run once more: "last failed" (pytest), "cases"
    (conformance), or not at all.
    """

    name: str
    command: list[str]
    counted: str
    limit_s: float
    again: str = ""
    environment: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Outcome:
    """What came of a suite; `problem` is empty unless the suite itself went wrong."""

    suite: Suite
    counts: Counts
    seconds: float
    problem: str
    unsteady: list[str] = field(default_factory=list[str])
    """Tests that failed, and passed when they ran once more."""


def suites() -> list[Suite]:
    """Return the suites of the repository, the quick ones first."""
    pytest = str(Path(sys.executable).parent / "pytest")
    make = os.environ.get("MAKE", "make")
    # The repository's own scripts are no member: they take their pytest settings from a file of their own.
    scripts = Suite("scripts", [pytest, "-c", ".ci/tests/pytest.ini", ".ci/tests"], "junit", 120)
    units = [
        Suite(folder, [make, "-C", folder, "test"], "junit", 500, "" if "torture" in folder else "last failed")
        for folder in (
            "sdk-python", "server-python", "server-python/torture", "conformance-tests", "examples/email-python",
            "benchmarks",
        )
    ]  # fmt: skip
    others = [
        Suite(folder, [make, "-C", folder, "test"], "closing line", 400)
        for folder in ("sdk-node", "sdk-go", "examples/email-node", "examples/email-go")
    ]
    shared = Suite("examples/shared-server", [make, "-C", "examples/shared-server", "test"], "junit", 200)
    conformance = Suite("conformance", [make, "-C", "conformance-tests", "conformance"], "closing line", 900, "cases")
    # Seeded defects, each of which the cases must catch: one that survives means that a green run proves too little.
    proof = Suite("seeded defects", [make, "-C", "conformance-tests", "prove"], "exit code", 600)
    demos = [
        Suite(f"demo of {name}", [make, "-C", f"examples/{name}", "demo"], "exit code", 180)
        for name in ("email-python", "email-node", "email-go", "shared-server")
    ]
    return [scripts, *units, *others, shared, conformance, proof, *demos]


def run(suite: Suite, reports: Path) -> Outcome:
    """Run a suite to its end or its time limit, keep its output, and count."""
    label = suite.name.replace("/", "-")
    log, junit = reports / f"{label}.log", reports / f"{label}.xml"
    junit.unlink(missing_ok=True)
    environment = {**os.environ, **suite.environment}
    environment["PYTEST_ADDOPTS"] = f"--junitxml={junit} {environment.pop('PYTEST_LAST_FAILED', '')}"
    started = time.monotonic()
    with log.open("wb") as output:
        code = _run_bounded(suite, environment, output.fileno())
    seconds = time.monotonic() - started
    text = log.read_text(encoding="utf-8", errors="replace")
    counts, problem = judge(suite, code, text, junit)
    if problem or counts.failed:
        _show_end(suite, text)
    return Outcome(suite, counts, seconds, problem)


def run_steadily(suite: Suite, reports: Path) -> Outcome:
    """Run a suite, and its failures once more when they are few."""
    first = run(suite, reports)
    failed = first.counts.failed
    if not suite.again or first.problem or not 0 < failed <= MOST_AGAIN:
        return first
    label = suite.name.replace("/", "-")
    if suite.again == "last failed":
        # Reads the names of what failed from the file that the second run will write anew.
        names = failures_of_junit(reports / f"{label}.xml")
        environment = {"PYTEST_LAST_FAILED": "--last-failed --last-failed-no-failures=none"}
    else:
        names = FAILED_CASE.findall((reports / f"{label}.log").read_text(encoding="utf-8", errors="replace"))
        environment = {"CONFORMANCE_ARGS": " ".join(f"--run '{name}'" for name in names)}
    print(f"running the {failed} that failed once more", flush=True)
    second = run(replace(suite, name=f"{suite.name}-again", environment=environment), reports)
    # A test that fails, and whose teardown fails too, is one test with two failures.
    tests = len(set(names))
    if second.problem or second.counts.failed or second.counts.passed < tests:
        return replace(first, seconds=first.seconds + second.seconds)
    counts = Counts(first.counts.passed + tests, 0, first.counts.skipped)
    return Outcome(suite, counts, first.seconds + second.seconds, "", sorted(set(names)))


def _run_bounded(suite: Suite, environment: dict[str, str], output: int) -> int | None:
    """Return the exit code, or None if the time limit ended the suite. Leaves no process of its group behind."""
    process = subprocess.Popen(
        suite.command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(timeout=suite.limit_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def judge(suite: Suite, code: int | None, text: str, junit: Path) -> tuple[Counts, str]:
    """Return what a suite counted, and what was wrong with the run itself.

    A suite that failed without counting a failure, or ran no test, has one failure added, so that it shows in the sum.
    """
    if suite.counted == "junit":
        counts = counts_of_junit(junit)
    elif suite.counted == "closing line":
        counts = counts_of_closing_line(text)
    else:
        counts = Counts(passed=int(code == 0))
    if code is None:
        problem = f"stopped after {suite.limit_s:.0f} s"
    elif counts.passed + counts.failed == 0:
        problem = f"ran no test, exit code {code}"
    elif code != 0 and counts.failed == 0:
        problem = f"exit code {code}"
    else:
        return counts, ""
    return counts + Counts(failed=1), problem


def counts_of_junit(path: Path) -> Counts:
    """Read the counts of a JUnit file; none if the file is missing or cut off."""
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - written by our own pytest just now
    except (OSError, ET.ParseError):
        return Counts()
    total = Counts()
    for suite in root.iter("testsuite"):
        tests, failures, errors, skipped = (
            int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")
        )
        # A test that fails, and whose teardown fails too, is one test with two failures.
        failed = failures + errors
        total += Counts(max(tests - failed - skipped, 0), failed, skipped)
    return total


def failures_of_junit(path: Path) -> list[str]:
    """Read the names of the tests that failed from a JUnit file."""
    cases = ET.parse(path).getroot().iter("testcase")  # noqa: S314 - written by our own pytest just now
    wrong = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return [f"{case.get('classname')}::{case.get('name')}" for case in wrong]


def counts_of_closing_line(text: str) -> Counts:
    """Read the last line of the form `N passed, N failed`; none if there is no such line."""
    found = CLOSING_LINE.findall(text)
    if not found:
        return Counts()
    passed, failed, skipped = found[-1]
    return Counts(int(passed), int(failed), int(skipped or 0))


def _show_end(suite: Suite, text: str) -> None:
    lines = text.splitlines()
    print(f"--- the end of what {suite.name} said:")
    print(*(f"    {line}" for line in lines[-SHOWN_LINES:]), sep="\n", flush=True)


def closing_line(total: Counts) -> str:
    """Return the line that ends the run."""
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    return f"{total.passed} passed, {total.failed} failed{skipped}"


def table(outcomes: list[Outcome]) -> str:
    """Return one line for each suite: its name, its counts, its seconds, and what was wrong with it."""
    width = max(len(outcome.suite.name) for outcome in outcomes)
    lines = [f"{'suite':<{width}}  {'passed':>6}  {'failed':>6}  {'skipped':>7}  {'seconds':>7}"]
    for outcome in outcomes:
        counts = outcome.counts
        line = (
            f"{outcome.suite.name:<{width}}  {counts.passed:>6}  {counts.failed:>6}  {counts.skipped:>7}"
            f"  {outcome.seconds:>7.1f}  {outcome.problem}"
        )
        lines.append(line.rstrip())
    return "\n".join(lines)


def main() -> int:
    """Run the suites one after the other; those named on the command line, or all."""
    chosen = [suite for suite in suites() if suite.name in sys.argv[1:] or not sys.argv[1:]]
    unknown = set(sys.argv[1:]) - {suite.name for suite in chosen}
    if unknown:
        print(f"no such suite: {', '.join(sorted(unknown))}; there are: {', '.join(s.name for s in suites())}")
        return 64
    REPORTS.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    for suite in chosen:
        print(f"running {suite.name}", flush=True)
        outcomes.append(run_steadily(suite, REPORTS))
    total = sum((outcome.counts for outcome in outcomes), Counts())
    print(f"\n{table(outcomes)}\n", flush=True)
    for outcome in outcomes:
        for name in outcome.unsteady:
            print(f"unsteady, passed the second time: {outcome.suite.name}: {name}")
    print(closing_line(total), flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
