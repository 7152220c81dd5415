"""P1, P12 and P13: what is lost, and what only looks like it."""

from __future__ import annotations

from checker.written import Written, a_good_life


def test_a_job_that_is_pushed_worked_on_and_there_at_the_end_breaks_nothing() -> None:
    assert a_good_life().broken() == set()


def test_a_job_that_was_acknowledged_and_is_gone_breaks_p1() -> None:
    assert Written().push(0, 1, "a").read().broken() == {"P1"}


def test_a_job_whose_push_was_never_answered_may_be_gone() -> None:
    assert Written().push(0, None, "a", outcome="unknown").read().broken() == set()


def test_without_a_final_read_nothing_is_known_to_be_gone() -> None:
    assert Written().push(0, 1, "a").broken() == set()


def test_a_job_that_was_only_in_the_log_may_be_lost_by_a_power_cut() -> None:
    assert Written().push(0, 1, "a", durability="WAL").power_cut(2).read().broken() == set()


def test_a_job_that_was_only_in_the_log_must_survive_everything_else() -> None:
    assert Written().push(0, 1, "a", durability="WAL").read().broken() == {"P1"}


def test_an_answer_that_is_read_after_the_cut_may_be_older() -> None:
    assert Written().push(0, 3, "a", durability="WAL").power_cut(2).read().broken() == set()


def test_what_was_put_into_the_log_after_the_last_cut_is_kept() -> None:
    assert Written().power_cut(2).push(3, 4, "a", durability="WAL").read().broken() == {"P1"}


def test_a_synced_job_must_survive_a_power_cut() -> None:
    assert Written().push(0, 1, "a").power_cut(2).read().broken() == {"P1"}


def test_an_acknowledged_completion_that_is_gone_breaks_p1() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, 5, "a").cancel(6, 7, "a", "fail")
    assert story.final("a", "CANCELLED").read().broken() == {"P1"}


def test_a_completion_without_an_answer_may_be_gone() -> None:
    story = Written().push(0, 1, "a").grant(2, 3, "a").settle(4, None, "a", outcome="unknown").cancel(6, 7, "a")
    assert story.final("a", "CANCELLED").read().broken() == set()


def test_half_of_a_batch_breaks_p12() -> None:
    story = Written().push(0, None, "a", "b", outcome="unknown").grant(2, 3, "a").settle(4, 5, "a").final("a")
    assert story.read().broken() == {"P12"}


def test_the_whole_of_an_unanswered_batch_is_fine() -> None:
    story = Written().push(0, None, "a", "b", outcome="unknown")
    for tag in ("a", "b"):
        story.grant(2, 3, tag).settle(4, 5, tag).final(tag)
    assert story.read().broken() == set()


def test_a_unique_job_of_a_batch_may_be_missing_because_its_key_was_held() -> None:
    story = Written().push(0, None, "a", "b", outcome="unknown", unique="key").grant(2, 3, "a").settle(4, 5, "a")
    assert story.final("a").read().broken() == set()


def test_a_push_that_survived_a_cut_which_an_earlier_one_did_not_breaks_p13() -> None:
    story = Written().push(0, 1, "a", durability="WAL").push(2, 3, "b", durability="WAL").power_cut(4)
    assert story.grant(5, 6, "b").settle(7, 8, "b").final("b").read().broken() == {"P13"}


def test_of_two_pushes_at_the_same_time_either_may_survive_alone() -> None:
    story = Written().push(0, 3, "a", durability="WAL").push(2, 4, "b", durability="WAL").power_cut(5)
    assert story.grant(6, 7, "b").settle(8, 9, "b").final("b").read().broken() == set()
