"""P9 and P10: highest priority first, then first come, first served."""

from __future__ import annotations

from checker.written import Written


def low_and_high() -> Written:
    return Written().push(0, 1, "low").push(2, 3, "high", priority=5)


def test_a_lower_priority_while_a_higher_one_was_ready_breaks_p9() -> None:
    assert low_and_high().grant(4, 5, "low").grant(6, 7, "high").broken() == {"P9"}


def test_a_lower_priority_that_was_taken_while_the_higher_one_came_in_is_fine() -> None:
    assert low_and_high().grant(2.5, 5, "low").grant(6, 7, "high").broken() == set()


def test_a_higher_priority_that_somebody_else_may_have_taken_at_the_time_is_no_complaint() -> None:
    assert low_and_high().grant(4, 7, "low").grant(5, 8, "high").broken() == set()


def test_a_higher_priority_that_was_delivered_before_to_somebody_unseen_is_no_complaint() -> None:
    assert low_and_high().grant(4, 5, "low").grant(6, 7, "high", 2).broken() == set()


def test_a_higher_priority_with_a_delay_is_no_complaint() -> None:
    story = Written().push(0, 1, "low").push(2, 3, "high", priority=5, delay_ms=50)
    assert story.grant(4, 5, "low").grant(60, 61, "high").broken() == set()


def test_a_higher_priority_in_another_queue_is_no_complaint() -> None:
    story = Written().push(0, 1, "low").push(2, 3, "high", priority=5, queue="other")
    assert story.grant(4, 5, "low").grant(6, 7, "high", queue="other").broken() == set()


def test_the_wrong_order_of_priorities_within_one_answer_breaks_p9() -> None:
    assert low_and_high().grant(4, 5, "low", place=0).grant(4, 5, "high", place=1).broken() == {"P9"}


def test_the_right_order_of_priorities_within_one_answer_is_fine() -> None:
    assert low_and_high().grant(4, 5, "high", place=0).grant(4, 5, "low", place=1).broken() == set()


def test_a_later_push_before_an_earlier_one_breaks_p10() -> None:
    story = Written().push(0, 1, "first").push(2, 3, "second")
    assert story.grant(4, 5, "second").grant(6, 7, "first").broken() == {"P10"}


def test_pushes_at_the_same_time_may_come_in_either_order() -> None:
    story = Written().push(0, 3, "first").push(2, 4, "second")
    assert story.grant(5, 6, "second").grant(7, 8, "first").broken() == set()


def test_deliveries_at_the_same_time_may_come_in_either_order() -> None:
    story = Written().push(0, 1, "first").push(2, 3, "second")
    assert story.grant(4, 7, "second").grant(5, 8, "first").broken() == set()


def test_the_jobs_of_one_push_out_of_their_order_break_p10() -> None:
    story = Written().push(0, 1, "first", "second").grant(2, 3, "second").grant(4, 5, "first")
    assert story.broken() == {"P10"}


def test_the_jobs_of_one_push_in_their_order_are_fine() -> None:
    story = Written().push(0, 1, "first", "second").grant(2, 3, "first").grant(4, 5, "second")
    assert story.broken() == set()


def test_the_jobs_of_one_push_out_of_their_order_in_one_answer_break_p10() -> None:
    story = Written().push(0, 1, "first", "second")
    assert story.grant(2, 3, "second", place=0).grant(2, 3, "first", place=1).broken() == {"P10"}


def test_an_answer_to_two_clients_at_the_same_moment_says_nothing_about_their_order() -> None:
    story = Written().push(0, 1, "first", "second")
    assert story.grant(2, 3, "second", by="one").grant(2, 3, "first", by="other").broken() == set()
