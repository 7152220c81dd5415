"""Whole SDK cases with a fake driver and a fake server: what passes, what fails, and what becomes of the driver."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rockqueue_conformance.known_failing import KnownFailing
from rockqueue_conformance.language.model import Case, Variant, step_from_data
from rockqueue_conformance.runner.execute import Result
from rockqueue_conformance.sdk.drivers import DriverSpec
from rockqueue_conformance.sdk.execute import execute_sdk
from rockqueue_conformance.sdk.slot import SdkSlot
from rockqueue_conformance.sdk.steps.registry import SDK_KINDS

Data = dict[str, Any]

HERE = Path(__file__).parent
SERVER = f"{sys.executable} {HERE / 'fake_server.py'} {{ready_file}}"


def a_case(*steps: Data, **options: Any) -> Variant:
    case = Case("demo", "one", "", ("CLIENT-001",), tuple(step_from_data(one, SDK_KINDS) for one in steps), **options)
    return Variant(case, drivers=("fake",) * max(1, len(case.roles)))


@pytest.fixture
async def slot() -> AsyncIterator[SdkSlot]:
    spec = DriverSpec("fake", str(HERE), (sys.executable, str(HERE / "fake_driver.py")))
    dying = DriverSpec("dies", str(HERE), (sys.executable, str(HERE / "fake_driver.py"), "dies"))
    made = SdkSlot(SERVER, {"fake": spec, "dies": dying})
    yield made
    await made.close()


async def run(slot: SdkSlot, *steps: Data, **options: Any) -> Result:
    return await execute_sdk(a_case(*steps, **options), slot)


async def test_a_case_that_holds_passes(slot: SdkSlot) -> None:
    result = await run(
        slot,
        {"get": "j", "expect": {"id": "j", "payload": {"value": [1]}}, "save": {"state": "state"}},
        {"check": "${state}", "expect": "WAITING"},
        {"sdk": "get_queue", "with": {"queue": "q"}, "error": "QUEUE_NOT_FOUND"},
        {"sdk": "get_queue", "with": {"queue": "q"}, "error": "NotFound"},
        {"observed": {"began": {}}, "expect": []},
        {"wire": "*", "expect": []},
    )
    assert (result.outcome, result.problems) == ("passed", [])


WRONG: list[tuple[Data, str]] = [
    ({"get": "j", "expect": {"state": "DEAD"}}, "at state: expected 'DEAD', got 'WAITING'"),
    ({"get": "j", "error": "JobNotFound"}, "expected the error JobNotFound, got the answer"),
    ({"sdk": "get_queue"}, "it failed: {'kinds': ['RockQueueError', 'NotFound']"),
    ({"sdk": "get_queue", "error": "JOB_NOT_FOUND"}, "error.reason: expected 'JOB_NOT_FOUND'"),
    ({"sdk": "get_queue", "error": "Overloaded"}, "expected an entry like 'Overloaded'"),
    ({"sdk": "list_queues"}, "the driver does not know this command"),
    ({"observe": [{"ended": {}}], "within": "0.1s"}, "expected [{'ended': {}}], observed []"),
    ({"wire": "GetJob", "expect": {"$len": 1}, "within": "0.1s"}, "expected 1, got 0"),
    ({"say": "w", "message": {}}, "w has no stream now"),
    ({"unanswered": "x"}, "the case is broken: KeyError"),
]


@pytest.mark.parametrize(("step", "complaint"), WRONG)
async def test_a_case_that_does_not_hold_fails(slot: SdkSlot, step: Data, complaint: str) -> None:
    result = await run(slot, step)
    assert result.outcome == "failed"
    assert complaint in "\n".join(result.problems)


async def test_the_same_attempt_begun_twice_fails_whatever_the_case_expects(slot: SdkSlot) -> None:
    result = await run(slot, {"sdk": "get_worker", "with": {"worker": "w"}})
    assert result.problems == ["attempt 1 of job j was begun twice"]


async def test_a_driver_serves_many_cases_and_is_replaced_after_a_failure(slot: SdkSlot) -> None:
    await run(slot, {"get": "j"})
    first = slot.drivers["fake"].pid
    await run(slot, {"get": "j"})
    assert slot.drivers["fake"].pid == first
    await run(slot, {"get": "j", "expect": {"state": "DEAD"}})
    assert slot.drivers == {}
    assert (await run(slot, {"get": "j"})).outcome == "passed"
    assert slot.drivers["fake"].pid != first


async def test_a_driver_that_dies_fails_the_case_and_no_other(slot: SdkSlot) -> None:
    variant = a_case({"get": "j"})
    dead = await execute_sdk(Variant(variant.case, drivers=("dies",)), slot)
    assert dead.outcome == "failed"
    assert "no more" in "\n".join(dead.problems)
    assert (await run(slot, {"get": "j"})).outcome == "passed"


async def test_two_parts_of_one_language_are_two_programs(slot: SdkSlot) -> None:
    result = await run(slot, {"get": "j", "by": "one"}, {"get": "j", "by": "two"}, roles=("one", "two"))
    assert (result.outcome, result.problems) == ("passed", [])
    assert len({driver.pid for driver in slot.drivers.values()}) == 2


async def test_a_feature_that_the_sdk_lacks_skips_the_case(slot: SdkSlot) -> None:
    assert (await run(slot, {"get": "j"}, needs=frozenset({"cancel_cause"}))).outcome == "passed"
    lacking = await run(slot, {"get": "j"}, needs=frozenset({"signals"}))
    assert (lacking.outcome, lacking.problems) == ("skipped", ["fake does not claim signals"])


async def test_what_is_known_of_one_driver_is_known_of_its_cases_only() -> None:
    known = KnownFailing(by_driver={"fake": KnownFailing({"demo/*": "not yet"})})
    mine = Result(a_case({"get": "j"}), "failed")
    other = Result(Variant(mine.variant.case, drivers=("other",)), "failed")
    assert known.judge(mine).outcome == "known"
    assert known.reason_for(mine) == "not yet"
    assert known.judge(other).outcome == "failed"
