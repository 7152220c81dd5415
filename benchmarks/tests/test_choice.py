import pytest

from rockqueue_bench.growth.plan import KINDS, UnknownKind
from rockqueue_bench.growth.plan import choose as choose_growth
from rockqueue_bench.run import PLANS, UnknownRow, choose


def names(wanted: list[str]) -> list[str]:
    return [plan.name for plan in choose(wanted)]


def test_without_names_all_rows_run() -> None:
    assert names([]) == [plan.name for plan in PLANS]


def test_a_row_can_be_named_by_itself_or_by_one_of_its_values() -> None:
    assert names(["single_push_python"]) == ["single_push_python"]
    assert names(["start_seconds", "push_to_start_ms_p99"]) == ["idle", "push_to_start"]


def test_a_ratio_brings_what_it_is_taken_of_and_that_runs_just_before() -> None:
    assert names(["push_share_of_floor"]) == ["echo", "floor", "push_batch50"]
    order = [plan.name for plan in PLANS]
    assert order.index("push_batch50") == order.index("floor") + 1


def test_an_unknown_row_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(UnknownRow, match=r"no row nonsense; there are: idle, echo"):
        choose(["idle", "nonsense"])


def test_kinds_of_growth_are_named_in_any_order_and_measured_in_one() -> None:
    assert [kind.name for kind in choose_growth(["workers", "depth"])] == ["depth", "workers"]
    assert choose_growth([]) == list(KINDS)
    with pytest.raises(UnknownKind, match="no kind of growth width; there are: depth, queues"):
        choose_growth(["width"])
