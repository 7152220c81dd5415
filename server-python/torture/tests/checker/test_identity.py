"""P2, P11 and P16: what is there was asked for, once, and not refused."""

from __future__ import annotations

from checker.written import Written, a_good_life

from rockqueue_torture.checker import check


def test_a_delivery_of_a_job_that_nobody_pushed_breaks_p2() -> None:
    assert Written().grant(2, 3, "a").broken() == {"P2"}


def test_a_delivery_of_a_job_whose_push_was_not_answered_is_fine() -> None:
    assert Written().push(0, None, "a", outcome="unknown").grant(2, 3, "a").broken() == set()


def test_a_changed_payload_breaks_p2() -> None:
    assert Written().push(0, 1, "a").grant(2, 3, "a", check="another").broken() == {"P2"}


def test_a_job_in_another_queue_than_it_was_pushed_to_breaks_p2() -> None:
    assert Written().push(0, 1, "a").grant(2, 3, "a", queue="other").broken() == {"P2"}


def test_a_result_that_no_worker_gave_breaks_p2() -> None:
    assert Written().push(0, 1, "a").grant(2, 3, "a").final("a").read().broken() == {"P2"}


def test_a_result_that_a_worker_gave_and_got_no_answer_to_is_fine() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, None, "a", outcome="unknown")
    assert story.final("a").read().broken() == set()


def test_a_cancellation_that_nobody_asked_for_breaks_p2() -> None:
    assert Written().push(0, 1, "a").final("a", "CANCELLED", 0).read().broken() == {"P2"}


def test_one_push_that_made_two_jobs_breaks_p11() -> None:
    story = Written().push(0, 1, "a", ids=("first",)).push(2, 3, "a", ids=("second",))
    assert story.broken() == {"P11"}


def test_a_push_repeated_with_its_request_id_gets_the_same_job() -> None:
    assert Written().push(0, 1, "a").push(2, 3, "a").broken() == set()


def test_a_push_that_a_power_cut_took_back_makes_a_new_job_when_it_is_repeated() -> None:
    story = Written().push(0, None, "a", outcome="unknown").grant(1, 2, "a", id="first").power_cut(3)
    assert story.push(4, 5, "a", ids=("second",)).grant(6, 7, "a", id="second").broken() == set()


def test_two_jobs_of_one_push_in_one_era_break_p11() -> None:
    story = Written().push(0, None, "a", outcome="unknown").grant(1, 2, "a", id="first")
    assert story.push(4, 5, "a", ids=("second",)).grant(6, 7, "a", id="second").broken() == {"P11"}


def test_two_waiting_jobs_with_one_unique_key_break_p11() -> None:
    story = Written().push(0, 1, "a", unique="key").push(2, 3, "b", unique="key")
    assert story.grant(4, 5, "a").grant(6, 7, "b").broken() == {"P11"}


def test_a_unique_key_is_free_once_its_job_may_have_been_delivered() -> None:
    story = Written().push(0, 1, "a", unique="key").grant(2, 5, "a").push(3, 4, "b", unique="key")
    assert story.grant(6, 7, "b").broken() == set()


def test_a_push_that_was_refused_and_took_effect_breaks_p16() -> None:
    assert Written().push(0, 1, "a", outcome="fail").grant(2, 3, "a").broken() == {"P16"}


def test_a_push_that_was_refused_after_a_try_without_an_answer_may_have_taken_effect() -> None:
    story = Written().push(0, None, "a", outcome="unknown").push(1, 2, "a", outcome="fail")
    assert story.grant(3, 4, "a").broken() == set()


def test_a_completion_that_was_refused_and_took_effect_breaks_p16() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, 5, "a", outcome="fail").final("a").read()
    assert story.broken() == {"P16"}


def test_a_refused_repetition_of_a_completion_without_an_answer_is_fine() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, None, "a", outcome="unknown")
    assert story.settle(6, 7, "a", outcome="fail").final("a").read().broken() == set()


def test_a_story_tells_what_was_seen_of_the_job_in_the_order_of_time() -> None:
    story = a_good_life().grant(6, 7, "a", 2)
    (violation, *_) = check(story.history)
    assert violation.job == "job-a"
    lines = violation.story.splitlines()
    assert "delivered after it had ended" in lines[0]
    told = [line.split("  ")[-1].split()[1].strip(",") for line in lines[1:]]
    assert told == ["push", "grant", "settle", "grant", "final"]
