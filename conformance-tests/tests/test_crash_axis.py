"""The runner kills a server between steps: one that forgets fails, one that keeps its jobs passes."""

from __future__ import annotations

import sys
from pathlib import Path

from rockqueue_conformance.language.model import Case, Variant, step_from_data
from rockqueue_conformance.runner.execute import Result
from rockqueue_conformance.runner.expand import Choice, variants
from rockqueue_conformance.runner.suite import Target, run_variants
from rockqueue_conformance.steps.registry import KINDS

_PROGRAM = Path(__file__).with_name("fake_server.py")
_STEPS = (
    {"push": [{"priority": 1}], "save": ["a"]},
    {"push": [{"priority": 2}], "save": ["b"]},
    {"job": "${a}", "expect": {"spec": {"priority": 1}}},
    {"job": "${b}", "expect": {"spec": {"priority": 2}}},
)
CASE = Case("demo", "kept", "", ("DURA-001",), tuple(step_from_data(s, KINDS) for s in _STEPS), crashable=True)


async def run(command: str, chosen: list[Variant]) -> dict[str, Result]:
    results = await run_variants(chosen, Target(command=command), 1, lambda _: None)
    return {result.variant.id: result for result in results}


async def test_a_server_that_forgets_fails_only_under_the_crash_axis() -> None:
    command = f"{sys.executable} {_PROGRAM} {{ready_file}}"
    results = await run(command, variants([CASE], Choice()))
    assert {name: result.outcome for name, result in results.items()} == {
        "demo/kept": "passed",
        "demo/kept[crash@1]": "failed",
        "demo/kept[crash@2]": "failed",
    }
    assert "JOB_NOT_FOUND" in results["demo/kept[crash@2]"].problems[0]


async def test_a_server_that_keeps_its_jobs_passes() -> None:
    command = f"{sys.executable} {_PROGRAM} {{ready_file}} {{dir}}"
    results = await run(command, variants([CASE], Choice(run=("*crash@2*",))))
    assert [result.outcome for result in results.values()] == ["passed"]


async def test_a_server_that_ends_by_itself_is_reported_with_its_log() -> None:
    command = f"{sys.executable} -c \"raise SystemExit('out of order')\""
    results = await run(command, [Variant(CASE)])
    (result,) = results.values()
    assert result.trouble
    assert "out of order" in result.problems[0]
