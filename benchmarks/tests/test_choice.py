import pytest

from rockqueue_bench.run import PLANS, UnknownRow, choose


def names(wanted: list[str], *, quick: bool = True) -> list[str]:
    return [plan.name for plan in choose(wanted, quick=quick)]


def test_without_names_all_rows_run_and_the_quick_run_leaves_out_the_backlog() -> None:
    assert names([], quick=False) == [plan.name for plan in PLANS]
    assert names([]) == [plan.name for plan in PLANS if plan.name != "backlog"]


def test_a_row_can_be_named_by_itself_or_by_one_of_its_values() -> None:
    assert names(["single_push_python"]) == ["single_push_python"]
    assert names(["start_seconds", "push_to_start_ms_p99"]) == ["idle", "push_to_start"]
    assert names(["backlog"]) == ["backlog"]


def test_a_ratio_brings_what_it_is_taken_of_and_that_runs_just_before() -> None:
    assert names(["push_share_of_floor"]) == ["floor", "push_batch50"]
    order = [plan.name for plan in PLANS]
    assert order.index("push_batch50") == order.index("floor") + 1


def test_an_unknown_row_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(UnknownRow, match=r"no row nonsense; there are: idle, floor"):
        choose(["idle", "nonsense"], quick=True)
