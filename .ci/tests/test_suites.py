from __future__ import annotations

import sys
from pathlib import Path

import pytest
import suites
from suites import Counts, Suite

JUNIT = (
    """<?xml version="1.0"?><testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>"""
)


def program(code: str, counted: str, limit_s: float = 30) -> Suite:
    return Suite("program", [sys.executable, "-c", code], counted, limit_s)


def test_a_suite_that_closes_with_its_counts_is_counted(tmp_path: Path) -> None:
    outcome = suites.run(program("print('1 passed, 1 failed')\nprint('7 passed, 0 failed')", "closing line"), tmp_path)
    assert (outcome.counts, outcome.problem) == (Counts(passed=7), "")


def test_failures_are_counted_and_the_output_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('case x: wrong'); print('3 passed, 2 failed, 1 skipped'); sys.exit(1)"
    outcome = suites.run(program(code, "closing line"), tmp_path)
    assert (outcome.counts, outcome.problem) == (Counts(3, 2, 1), "")
    assert "case x: wrong" in capsys.readouterr().out


def test_a_suite_that_dies_without_counting_a_failure_has_failed(tmp_path: Path) -> None:
    outcome = suites.run(program("import sys; print('3 passed, 0 failed'); sys.exit(2)", "closing line"), tmp_path)
    assert (outcome.counts, outcome.problem) == (Counts(3, 1), "exit code 2")


def test_a_suite_that_ran_no_test_has_failed(tmp_path: Path) -> None:
    outcome = suites.run(program("pass", "closing line"), tmp_path)
    assert (outcome.counts, outcome.problem) == (Counts(0, 1), "ran no test, exit code 0")


def test_a_suite_over_its_time_is_stopped_and_has_failed(tmp_path: Path) -> None:
    outcome = suites.run(program("import time; time.sleep(60)", "exit code", limit_s=0.2), tmp_path)
    assert outcome.counts == Counts(failed=1)
    assert outcome.problem.startswith("stopped after")
    assert outcome.seconds < 30


@pytest.mark.parametrize(("code", "counts"), [("pass", Counts(passed=1)), ("raise SystemExit(3)", Counts(failed=1))])
def test_a_program_that_is_one_test_counts_by_its_exit_code(tmp_path: Path, code: str, counts: Counts) -> None:
    assert suites.run(program(code, "exit code"), tmp_path).counts == counts


def test_pytest_tells_its_counts_by_its_junit_file(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pytest.skip('no')\n",
        encoding="utf-8",
    )
    pytest_here = [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), "-q", str(tmp_path)]
    outcome = suites.run(Suite("inner", pytest_here, "junit", 30), tmp_path)
    assert (outcome.counts, outcome.problem) == (Counts(1, 1, 1), "")


@pytest.mark.parametrize(
    ("numbers", "counts"),
    [((5, 0, 0, 0), Counts(5)), ((5, 1, 1, 1), Counts(2, 2, 1)), ((1, 1, 1, 0), Counts(0, 2))],
)
def test_junit_numbers(tmp_path: Path, numbers: tuple[int, ...], counts: Counts) -> None:
    (tmp_path / "x.xml").write_text(JUNIT.format(*numbers), encoding="utf-8")
    assert suites.counts_of_junit(tmp_path / "x.xml") == counts


def test_a_junit_file_that_is_missing_or_cut_off_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "cut.xml").write_text("<testsuites><testsuite tests='3'", encoding="utf-8")
    assert suites.counts_of_junit(tmp_path / "cut.xml") == Counts()
    assert suites.counts_of_junit(tmp_path / "missing.xml") == Counts()


def test_the_closing_line_stands_alone_and_names_skips_only_if_there_are_any() -> None:
    assert suites.closing_line(Counts(12, 0)) == "12 passed, 0 failed"
    assert suites.closing_line(Counts(12, 1, 2)) == "12 passed, 1 failed, 2 skipped"


def test_every_suite_is_named_once_and_bounded() -> None:
    names = [suite.name for suite in suites.suites()]
    assert len(set(names)) == len(names)
    assert all(0 < suite.limit_s <= 900 for suite in suites.suites())


def flaky_folder(folder: Path, also: str = "") -> list[str]:
    """A pytest run whose first test fails the first time only."""
    (folder / "test_it.py").write_text(
        "import pathlib\n"
        "mark = pathlib.Path(__file__).with_name('been-here')\n"
        "def test_a():\n    been = mark.exists()\n    mark.touch()\n    assert been\n"
        f"def test_b(): pass\n{also}",
        encoding="utf-8",
    )
    return [sys.executable, "-m", "pytest", "--rootdir", str(folder), "-q", str(folder)]


def test_what_passes_the_second_time_is_counted_and_named(tmp_path: Path) -> None:
    suite = Suite("inner", flaky_folder(tmp_path), "junit", 30, "last failed")
    outcome = suites.run_steadily(suite, tmp_path)
    assert (outcome.counts, outcome.problem) == (Counts(2), "")
    assert [name.rpartition("::")[2] for name in outcome.unsteady] == ["test_a"]


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    suite = Suite("inner", flaky_folder(tmp_path, "def test_c(): assert 0\n"), "junit", 30, "last failed")
    outcome = suites.run_steadily(suite, tmp_path)
    assert (outcome.counts, outcome.unsteady) == (Counts(1, 2), [])


def test_without_a_second_try_one_failure_is_a_failure(tmp_path: Path) -> None:
    outcome = suites.run_steadily(Suite("inner", flaky_folder(tmp_path), "junit", 30), tmp_path)
    assert outcome.counts == Counts(1, 1)


def test_many_failures_are_no_accident(tmp_path: Path) -> None:
    more = "".join(f"def test_{number}(): assert 0\n" for number in range(suites.MOST_AGAIN))
    suite = Suite("inner", flaky_folder(tmp_path, more), "junit", 30, "last failed")
    assert suites.run_steadily(suite, tmp_path).counts == Counts(1, suites.MOST_AGAIN + 1)


def test_conformance_cases_that_failed_run_again_by_their_names(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "again = os.environ.get('CONFORMANCE_ARGS', '')\n"
        "if again == \"--run 'leases/one[pull,crash@2]'\":\n    sys.exit(print('1 passed, 0 failed'))\n"
        "print(' failed leases/one[pull,crash@2] 2.77 s')\nsys.exit('8 passed, 1 failed')\n"
    )
    outcome = suites.run_steadily(Suite("c", [sys.executable, "-c", code], "closing line", 30, "cases"), tmp_path)
    assert (outcome.counts, outcome.unsteady) == (Counts(9), ["leases/one[pull,crash@2]"])
