"""P5, P6 and P8: one worker at a time, only the last one counts, and attempts add up."""

from __future__ import annotations

import pytest
from checker.written import Written


def taken_over() -> Written:
    """Attempt 1 is delivered and its lease runs out; attempt 2 is delivered to another worker."""
    return Written().push(0, 1, "a").grant(2, 3, "a", 1, lease=1000).grant(1100, 1101, "a", 2, by="other")


def test_a_lease_that_ran_out_is_given_to_another_worker() -> None:
    assert taken_over().broken() == set()


@pytest.mark.parametrize("kind", ["complete", "fail", "snooze", "release"])
def test_a_settlement_of_an_old_attempt_breaks_p5(kind: str) -> None:
    assert taken_over().settle(1102, 1103, "a", 1, kind).broken() == {"P5"}


def test_a_settlement_of_an_old_attempt_that_began_before_the_new_one_was_there_is_fine() -> None:
    assert taken_over().settle(1100, 1103, "a", 1).broken() == set()


def test_an_extension_of_an_old_attempt_breaks_p5() -> None:
    assert "P5" in taken_over().extend(1102, 1103, "a", 1).broken()


def test_a_refused_settlement_of_an_old_attempt_is_how_it_should_be() -> None:
    assert taken_over().settle(1102, 1103, "a", 1, outcome="fail").broken() == set()


def test_a_settlement_that_is_sent_again_is_acknowledged_again() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, None, "a", 1, "fail", outcome="unknown")
    assert story.grant(60, 61, "a", 2).settle(62, 63, "a", 1, "fail").broken() == set()


def test_an_old_attempt_that_a_power_cut_erased_is_fenced_too() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a", token="before").power_cut(10)
    story.grant(20, 21, "a", token="after")
    assert story.broken() == set()
    story.history.events[-1].args["token"] = "job-a/1"
    assert story.settle(30, 31, "a", 1).broken() == set()


def test_a_delivery_within_a_lease_breaks_p6() -> None:
    assert Written().push(0, 1, "a").grant(2, 3, "a").grant(900, 901, "a", 2).broken() == {"P6"}


def test_a_delivery_within_an_extended_lease_breaks_p6() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").extend(800, 801, "a")
    assert story.grant(1500, 1501, "a", 2).broken() == {"P6"}


def test_a_delivery_after_an_extended_lease_is_fine() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").extend(800, 801, "a")
    assert story.grant(1799, 1801, "a", 2).broken() == set()


def test_a_delivery_after_the_worker_gave_the_job_back_is_fine() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, None, "a", 1, "release", outcome="unknown")
    assert story.grant(10, 11, "a", 2).broken() == set()


def test_a_delivery_again_after_a_power_cut_is_fine() -> None:
    assert Written().push(0, 1, "a").grant(2, 3, "a").power_cut(10).grant(20, 21, "a").broken() == set()


def test_a_number_that_is_given_twice_breaks_p8() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, 5, "a", 1, "release").grant(6, 7, "a", 1)
    assert story.broken() == {"P8"}


def test_a_number_that_goes_back_breaks_p8() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a", 2).settle(4, 5, "a", 2, "release").grant(6, 7, "a", 1)
    assert story.broken() == {"P8"}


def test_numbers_that_nobody_saw_may_be_left_out() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a", 1).settle(4, 5, "a", 1, "release").grant(6, 7, "a", 4)
    assert story.broken() == set()


def test_a_delivery_after_the_last_allowed_failure_breaks_p8() -> None:
    story = Written().push(0, 1, "a", max_attempts=1).grant(2, 3, "a").settle(4, 5, "a", 1, "fail")
    assert story.grant(60, 61, "a", 2).broken() == {"P8"}


def test_a_delivery_after_a_release_does_not_count_as_a_failure() -> None:
    story = Written().push(0, 1, "a", max_attempts=1).grant(2, 3, "a").settle(4, 5, "a", 1, "release")
    assert story.grant(60, 61, "a", 2).broken() == set()


def test_a_dead_letter_before_its_time_breaks_p8() -> None:
    story = Written().push(0, 1, "a", max_attempts=2).grant(2, 3, "a").settle(4, 5, "a", 1, "fail")
    assert story.final("a", "DEAD", dead_reason="ATTEMPTS_EXHAUSTED", failures=1).read().broken() == {"P8"}


def test_a_dead_letter_after_all_its_attempts_is_fine() -> None:
    story = Written().push(0, 1, "a", max_attempts=1).grant(2, 3, "a").settle(4, 5, "a", 1, "fail")
    assert story.final("a", "DEAD", dead_reason="ATTEMPTS_EXHAUSTED", failures=1).read().broken() == set()


def test_a_poisoned_job_whose_deliveries_were_settled_breaks_p8() -> None:
    story = Written().push(0, 1, "a", max_crashes=1).grant(2, 3, "a").settle(4, 5, "a", 1, "release")
    assert story.final("a", "DEAD", dead_reason="POISONED", crashes=1).read().broken() == {"P8"}


def test_a_poisoned_job_whose_deliveries_were_lost_is_fine() -> None:
    story = Written().push(0, 1, "a", max_crashes=1).grant(2, 3, "a")
    assert story.final("a", "DEAD", dead_reason="POISONED", crashes=1).read().broken() == set()
