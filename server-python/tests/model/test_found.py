"""What the model has found in the server. Each of these told stories failed until the server was mended."""

from __future__ import annotations

import pytest
from model.stories import story
from model.terms import SECOND, Outcome, Spec

A = Spec("a")
COMPLETE = Outcome("complete")


def test_a_job_that_was_put_back_before_its_first_delivery_does_not_expire() -> None:
    with story() as tale:
        tale.push(A._replace(ttl_us=5 * SECOND))
        tale.bulk("cancel")
        tale.bulk("retry")
        tale.advance(6)
        tale.pull()


def test_another_completion_of_a_settled_lease_is_not_answered_ok() -> None:
    with story() as tale:
        tale.push(A)
        tale.pull()
        tale.settle(COMPLETE)
        tale.settle_stale(Outcome("complete", follow_ups=(A,)), 0)


@pytest.mark.parametrize("gone_by", ["retention", "DeleteJobs"])
def test_a_completion_sent_again_within_ten_minutes_is_ok_though_the_job_is_gone(gone_by: str) -> None:
    with story() as tale:
        tale.push(A._replace(retention_us=4 * SECOND))
        tale.pull()
        tale.settle(COMPLETE)
        if gone_by == "retention":
            tale.advance(5)
        else:
            tale.bulk("delete")
        tale.settle_again()


def test_an_extension_without_a_duration_is_for_that_of_the_delivery() -> None:
    with story() as tale:
        tale.push(A)
        tale.pull(lease_s=60)
        tale.extend(5)
        tale.extend(0)
        tale.advance(6)


def test_a_cancel_does_not_change_the_lease_that_a_restart_gives() -> None:
    with story() as tale:
        tale.push(A)
        tale.pull(lease_s=60)
        tale.extend(5)
        tale.bulk("cancel")
        tale.kill()
        tale.advance(6)
