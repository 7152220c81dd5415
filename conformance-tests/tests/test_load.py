"""Case files that are wrong are refused, all faults at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from rockqueue_conformance.language.load import BadCases, Suite, load_suite

GOOD = """
area: demo
cases:
  - name: one
    doc: A case that says what it proves.
    proves: [PUSH-001]
    steps:
      - push: [{}]
        save: [a]
      - job: "${a}"
        expect: {state: JOB_STATE_WAITING}
"""


def load(folder: Path, text: str) -> Suite:
    (folder / "demo.yaml").write_text(text)
    return load_suite(folder)


def test_a_good_file(tmp_path: Path) -> None:
    suite = load(tmp_path, GOOD)
    assert [case.id for case in suite.cases] == ["demo/one"]
    assert [step.kind for step in suite.cases[0].steps] == ["push", "job"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("doc: A case that says what it proves.", "dok: x", "'doc' is a required property"),
        ("proves: [PUSH-001]", "proves: []", "proves"),
        ("name: one", "name: One Two", "does not match"),
        ("push: [{}]", "pusch: [{}]", "steps"),
        ("save: [a]", "safe: [a]", "safe"),
        ("{state: JOB_STATE_WAITING}", "{stat: JOB_STATE_WAITING}", "no such field in rockqueue.v1.Job"),
        ("{state: JOB_STATE_WAITING}", "{state: {$atleast: 3}}", "no such"),
        ("push: [{}]", "call: JobService.PushJob", "no such method"),
        ('job: "${a}"', "take: 1", "must say `delivery`"),
    ],
)
def test_what_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    text = GOOD.replace(old, new)
    if new == "take: 1":
        text = text.replace("        expect: {state: JOB_STATE_WAITING}\n", "")
    if new.startswith("call"):
        text = text.replace("        save: [a]\n", "").replace('"${a}"', "x")
    with pytest.raises(BadCases) as caught:
        load(tmp_path, text)
    assert complaint in str(caught.value)


def test_two_cases_of_one_name(tmp_path: Path) -> None:
    again = GOOD[GOOD.index("  - name") :]
    with pytest.raises(BadCases, match="two cases of this name"):
        load(tmp_path, GOOD + again)


def test_all_faults_at_once(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(GOOD.replace("area: demo", "area: Demo"))
    with pytest.raises(BadCases) as caught:
        load(tmp_path, GOOD.replace("save:", "safe:"))
    assert len(caught.value.problems) == 2


def test_a_cell_that_points_nowhere(tmp_path: Path) -> None:
    (tmp_path / "cells.yaml").write_text(
        "area: errors\ncells:\n  - {rpc: JobService.GetJob, reason: JOB_NOT_FOUND, covered_by: demo/none}\n"
    )
    with pytest.raises(BadCases, match="which does not exist"):
        load(tmp_path, GOOD)


def test_needs_follow_from_the_steps(tmp_path: Path) -> None:
    text = GOOD + "      - repeat:\n          - advance: 1s\n        times: 2\n      - kill_server: true\n"
    assert load(tmp_path, text).cases[0].needs == {"clock", "process"}
