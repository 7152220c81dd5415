"""From cases to variants."""

from __future__ import annotations

from typing import Any

from rockqueue_conformance.language.model import Case, Step
from rockqueue_conformance.runner.expand import Choice, crash_points, fits, variants


def case(**options: Any) -> Case:
    steps = tuple(Step(kind, True) for kind in options.pop("kinds", ["push", "job", "take", "settle", "queue"]))
    return Case(area="demo", name="one", doc="", proves=("PUSH-001",), steps=steps, **options)


def ids(*cases: Case, **choice: Any) -> list[str]:
    return [variant.id for variant in variants(cases, Choice(**choice))]


def test_a_plain_case_has_one_variant() -> None:
    assert ids(case()) == ["demo/one"]


def test_the_delivery_axis() -> None:
    assert ids(case(deliveries=("stream", "pull"))) == ["demo/one[stream]", "demo/one[pull]"]
    assert ids(case(deliveries=("stream", "pull")), deliveries=("pull",)) == ["demo/one[pull]"]
    assert ids(case(deliveries=("stream",)), deliveries=("pull",)) == []


def test_a_kill_after_each_step_that_changes_something() -> None:
    assert crash_points(case()) == [1, 3, 4]
    found = ids(case(crashable=True), crash="full")
    assert found == ["demo/one", "demo/one[crash@1]", "demo/one[crash@3]", "demo/one[crash@4]"]


def test_no_kill_where_a_case_forbids_it_or_a_call_is_refused() -> None:
    steps = (Step("push", []), Step("push", [], {"no_crash": True}), Step("push", [], {"error": "X"}), Step("job", "x"))
    assert crash_points(Case("demo", "one", "", (), steps)) == [1]


def test_the_deliveries_take_turns_with_kills() -> None:
    both = case(crashable=True, deliveries=("stream", "pull"), kinds=["push"] * 3)
    assert ids(both)[2:] == ["demo/one[stream,crash@1]", "demo/one[pull,crash@2]"]
    assert len(ids(both, crash="full")) == 2 + 4
    assert len(ids(both, crash="off")) == 2


def test_some_kills_of_a_long_case_are_spread_and_always_the_same() -> None:
    long = case(crashable=True, kinds=["push"] * 21)
    first, second = [variant.crash_after or 0 for variant in variants([long], Choice())[1:]]
    assert second - first == 10
    assert ids(long) == ids(long)
    assert len(ids(long, crash="full")) == 1 + 20


def test_choosing_by_name() -> None:
    both = case(deliveries=("stream", "pull"))
    assert ids(both, run=("demo/*",)) == ids(both)
    assert ids(both, run=("other/*",)) == []
    assert ids(both, run=("demo/one[pull]",)) == ["demo/one[pull]"]
    assert ids(both, skip=("*[pull]",)) == ["demo/one[stream]"]
    assert not fits("demo/onep", "demo/one[pull]")
