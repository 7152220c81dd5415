"""The SDK cases: the data is whole, wrong files are refused, and what a variant is."""

from __future__ import annotations

from pathlib import Path

import pytest

from rockqueue_conformance.defects import load_defects
from rockqueue_conformance.language.load import BadCases
from rockqueue_conformance.language.model import Case
from rockqueue_conformance.plan import load_sdk_mode
from rockqueue_conformance.sdk.distort import DEFECTS
from rockqueue_conformance.sdk.drivers import DriverSpec
from rockqueue_conformance.sdk.expand import casts, sdk_variants
from rockqueue_conformance.sdk.load import load_sdk_cases
from rockqueue_conformance.sdk.values import content, error_matcher, handlers, to_protocol

GOOD = """
area: demo
cases:
  - name: one
    doc: A case that says what it proves.
    proves: [CLIENT-001]
    steps:
      - script: [{call: PushJobs, fail: UNAVAILABLE}]
      - push: {priority: 3}
        save: a
      - worker: w
        handlers: {task: [{complete: {value: 1}}]}
      - observe: [{began: {job_id: "${a}"}}]
      - get: "${a}"
        expect: {state: COMPLETED}
      - sdk: list_jobs
        with: {filter: {queue: "${queue}"}}
      - wire: PushJobs
        expect: {$len: 2}
"""


def load(folder: Path, text: str) -> list[Case]:
    (folder / "demo.yaml").write_text(text)
    return load_sdk_cases(folder)


def test_there_are_enough_cases() -> None:
    cases, requirements = load_sdk_mode()
    proved = {number for case in cases for number in case.proves}
    assert len(cases) >= 100
    assert [one.id for one in requirements if one.id not in proved] == []


def test_every_defect_has_its_cases() -> None:
    defects = load_defects(load_sdk_mode()[0], name="sdk_defects.yaml")
    assert len(defects) >= 15
    assert {one.name for one in defects if one.where == "wire"} == DEFECTS


def test_a_good_file(tmp_path: Path) -> None:
    (case,) = load(tmp_path, GOOD)
    assert (case.id, len(case.steps)) == ("demo/one", 7)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("priority: 3", "prioritee: 3", "no such field in rockqueue.conformance.v1.NewJob"),
        ("state: COMPLETED", "stat: COMPLETED", "no such field in rockqueue.conformance.v1.Job"),
        ("job_id:", "jobid:", "no such field in rockqueue.conformance.v1.HandlerBegan"),
        ("sdk: list_jobs", "sdk: list_job", "no such command of the driver protocol"),
        ("queue: ", "kueue: ", "no such field in rockqueue.conformance.v1.JobFilter"),
        ("wire: PushJobs", "wire: PushJob", "no such method"),
        ("call: PushJobs", "call: PushJob", "no method 'PushJob'"),
        ("call: PushJobs", "on: PushJobs", "a key that is no text"),
        ("complete: {value: 1}", "compleat: 1", "handlers"),
        ("handlers:", "handler:", "'handlers' is a required property"),
        ("save: a", "by: somebody", "the case has no role 'somebody'"),
    ],
)
def test_what_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(BadCases) as bad:
        load(tmp_path, GOOD.replace(old, new))
    assert complaint in str(bad.value)


def drivers(*names: str) -> list[DriverSpec]:
    return [DriverSpec(name, ".", ("true",)) for name in names]


def a_case(*roles: str) -> Case:
    return Case("demo", "crossed" if roles else "plain", "", (), (), roles=roles)


def test_every_case_runs_with_every_driver() -> None:
    found = sdk_variants([a_case()], drivers("python-async", "python-sync", "go"))
    assert [one.id for one in found] == ["demo/plain[python-async]", "demo/plain[python-sync]", "demo/plain[go]"]
    assert sdk_variants([a_case()], drivers("go"), skip=("demo/plain[go]",)) == []


def test_every_pair_of_languages_is_read_by_a_third() -> None:
    case = a_case("producer", "worker", "reader")
    found = casts(case, drivers("python-async", "python-sync", "node", "go"))
    assert len(found) == 9
    assert ("node", "go", "python-async") in found
    assert ("python-async", "node", "go") in found
    assert all("python-sync" not in one for one in found)
    assert all(reader not in (first, second) for first, second, reader in found)


def test_one_language_alone_plays_all_parts() -> None:
    assert casts(a_case("producer", "worker", "reader"), drivers("go")) == [("go", "go", "go")]


def test_values_become_json_text_and_back() -> None:
    assert to_protocol({"payload": {"value": {"a": "é"}}}) == {"payload": {"json": '{"a": "é"}'}}
    assert to_protocol([{"bytes": "AA=="}]) == [{"raw": "AA=="}]
    assert content({"value": {"json": "[1]"}}) == {"value": [1]}
    assert content({"value": {"json": "{"}}) == {"value": {"not JSON": "{"}}
    assert content({"pushes": {"pushes": [{"pushed": {"id": "a"}}]}}) == [{"pushed": {"id": "a"}}]
    assert content({"done": {}}) == {}


def test_handlers_are_data() -> None:
    (handler,) = handlers({"task": [{"fail": "x"}, [{"log": "y"}, {"stop": True}]]}, "q", silent=False)
    assert handler["attempts"] == [{"actions": [{"fail": "x"}]}, {"actions": [{"log": "y"}, {"stop": {}}]}]


def test_errors_are_named_by_reason_or_by_class() -> None:
    assert error_matcher("JOB_NOT_FOUND") == {"reason": "JOB_NOT_FOUND"}
    assert error_matcher("JobNotFound") == {"kinds": {"$contains": ["JobNotFound"]}}
    assert error_matcher({"code": "ABORTED"}) == {"code": "ABORTED"}
