"""P3, P4, P7 and P14: every job comes to one end, stays there, and is counted."""

from __future__ import annotations

from checker.written import Written, a_good_life


def test_a_delivery_after_an_acknowledged_completion_breaks_p3() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, 5, "a").grant(6, 7, "a", 2)
    assert "P3" in story.broken()


def test_a_delivery_that_was_asked_for_before_the_completion_was_answered_is_fine() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, 7, "a").grant(6, 8, "a", 2)
    assert "P3" not in story.broken()


def test_a_delivery_after_an_acknowledged_cancellation_breaks_p3() -> None:
    assert Written().push(0, 1, "a").cancel(2, 3, "a").grant(4, 5, "a").broken() == {"P3"}


def test_a_delivery_after_a_refused_cancellation_is_fine() -> None:
    assert Written().push(0, 1, "a").cancel(2, 3, "a", "fail").grant(4, 5, "a").broken() == set()


def test_two_different_completions_break_p4() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, 5, "a", body="one").settle(6, 7, "a", body="two")
    assert story.broken() == {"P4"}


def test_the_same_completion_may_be_acknowledged_twice() -> None:
    assert a_good_life().settle(6, 7, "a").broken() == set()


def test_a_job_that_shows_another_completion_than_was_acknowledged_breaks_p4() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, 5, "a", body="one")
    story.settle(6, None, "a", body="two", outcome="unknown")
    assert story.final("a", result="two").read().broken() == {"P4"}


def test_a_job_that_healthy_workers_never_finished_breaks_p7() -> None:
    assert Written().push(0, 1, "a").final("a", "WAITING", 0).read().broken() == {"P7"}


def test_a_job_that_was_cancelled_needs_no_worker() -> None:
    assert Written().push(0, 1, "a").cancel(2, 3, "a").final("a", "CANCELLED", 0).read().broken() == set()


def test_counters_that_differ_from_a_scan_break_p14() -> None:
    assert Written().books({"q": {"waiting": 1}}, {"q": {"waiting": 0}}).broken() == {"P14"}


def test_counters_that_are_equal_to_a_scan_are_fine() -> None:
    assert Written().books({"q": {"waiting": 1}}, {"q": {"waiting": 1}}).broken() == set()


def test_what_the_check_of_a_store_finds_breaks_p14() -> None:
    assert Written().books({}, {}, ("job 7 is in two states",)).broken() == {"P14"}
