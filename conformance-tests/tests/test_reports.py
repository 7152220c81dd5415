"""What a run says at its end, for people and for machines."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from rockqueue_conformance.known_failing import KnownFailing, load_known_failing
from rockqueue_conformance.language.model import Case, Variant
from rockqueue_conformance.report.files import write_jsonl, write_junit
from rockqueue_conformance.report.matrix import matrix
from rockqueue_conformance.report.summary import closing, closing_line
from rockqueue_conformance.requirements import Requirement
from rockqueue_conformance.runner.execute import Result


def result(name: str, outcome: str, *proves: str, problems: tuple[str, ...] = ("at a: expected 1, got 2",)) -> Result:
    variant = Variant(Case("demo", name, "What it is about.", proves or ("PUSH-001",), ()))
    return Result(
        variant, outcome, [] if outcome == "passed" else list(problems), "step 1: push", ["-> {}"], "a log line"
    )


def test_the_last_line_counts() -> None:
    results = [result("a", "passed"), result("b", "failed"), result("c", "skipped"), result("d", "known")]
    assert closing_line(results) == "1 passed, 1 failed, 1 skipped"
    assert closing(results, [], KnownFailing(), 1.0, 5).splitlines()[-1] == closing_line(results)


def test_a_failure_is_told_in_full() -> None:
    lacking = [Requirement("PUSH-009", "Something.", "job.proto")]
    text = closing([result("b", "failed")], lacking, KnownFailing(), 1.0, 5)
    parts = ("demo/b", "step 1: push", "expected 1, got 2", "-> {}", "a log line", "PUSH-009")
    assert [part for part in parts if part not in text] == []


def test_known_failures_run_and_must_fail(tmp_path: Path) -> None:
    listed = tmp_path / "known.txt"
    listed.write_text("# comment\n\ndemo/b*  # it is being mended\n")
    known = load_known_failing(listed)
    assert known.judge(result("b", "failed")).outcome == "known"
    assert known.judge(result("a", "failed")).outcome == "failed"
    assert known.judge(result("b", "skipped")).outcome == "skipped"
    unexpected = known.judge(result("b", "passed"))
    assert unexpected.outcome == "failed"
    assert "take it off the list" in unexpected.problems[0]


@pytest.mark.parametrize("line", ["demo/b", "demo/b  #", "demo/b  #   "])
def test_a_known_failure_needs_a_reason(tmp_path: Path, line: str) -> None:
    listed = tmp_path / "known.txt"
    listed.write_text(line + "\n")
    with pytest.raises(ValueError, match="has no reason"):
        load_known_failing(listed)


def test_the_matrix() -> None:
    results = [result("a", "passed", "A-001"), result("b", "failed", "A-001", "B-001"), result("c", "passed", "C-001")]
    rows = [Requirement(number, f"text {number}", "x") for number in ("A-001", "B-001", "C-001", "D-001")]
    assert matrix(rows, {"server": results}).splitlines()[2:] == [
        "| A-001 | FAILED (1 of 2) | text A-001 |",
        "| B-001 | FAILED (1 of 1) | text B-001 |",
        "| C-001 | proved (1) | text C-001 |",
        "| D-001 | not covered | text D-001 |",
    ]


def test_reports_for_machines(tmp_path: Path) -> None:
    results = [result("a", "passed"), result("b", "failed", problems=("bad\x00byte",)), result("c", "skipped")]
    write_junit(tmp_path / "j.xml", results)
    (suite,) = ET.parse(tmp_path / "j.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    write_jsonl(tmp_path / "r.jsonl", results)
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [(line["name"], line["outcome"]) for line in lines] == [
        ("demo/a", "passed"),
        ("demo/b", "failed"),
        ("demo/c", "skipped"),
    ]
