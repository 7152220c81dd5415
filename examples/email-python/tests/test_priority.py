"""The check of the order, by small event streams that keep it and that break it."""

from email_app.demo.priority import CLOCK_SLACK_S, COMMIT_SLACK_S, Change, Moment, check_order


def moment(time_s: float, job: str, change: Change) -> Moment:
    """A moment of a reset (named r...: priority 10) or of a welcome mail (priority 0)."""
    return Moment(time_s, job, 10 if job.startswith("r") else 0, change)


def stream(*lines: tuple[float, str, Change]) -> list[Moment]:
    return [moment(*line) for line in lines]


def test_a_reset_that_overtakes_is_counted() -> None:
    order = check_order(
        stream(
            (0, "w1", "ready"),
            (0, "w2", "ready"),
            (1, "r1", "ready"),
            (2, "r1", "started"),
            (3, "w1", "started"),
            (3, "w2", "started"),
        ),
        {"r1": 1.0},
    )
    assert order.holds
    assert (order.starts, order.contested, order.overtaken) == (3, 1, 1)


def test_a_welcome_mail_before_a_waiting_reset_is_a_violation() -> None:
    order = check_order(
        stream(
            (0, "w1", "ready"),
            (1, "r1", "ready"),
            (2, "w1", "started"),
            (3, "r1", "started"),
        ),
        {"r1": 1.0},
    )
    assert not order.holds
    assert len(order.violations) == 1
    assert "w1 (priority 0) was started while r1 (priority 10) had been waiting for 1000 ms" in order.violations[0]


def test_one_violation_spoils_many_good_starts() -> None:
    order = check_order(
        stream(
            (0, "w1", "ready"),
            (0, "w2", "ready"),
            (1, "r1", "ready"),
            (1, "r2", "ready"),
            (2, "r1", "started"),
            (3, "w1", "started"),
            (4, "r2", "started"),
            (5, "w2", "started"),
        ),
        {"r1": 1.0, "r2": 1.0},
    )
    assert order.overtaken == 2
    assert len(order.violations) == 1
    assert not order.holds


def test_a_start_decided_while_the_push_was_not_yet_answered_is_no_violation() -> None:
    events = stream((0, "w1", "ready"), (1, "r1", "ready"), (1.2, "w1", "started"), (1.3, "r1", "started"))
    assert check_order(events, {"r1": 1.2}).violations == ()
    assert len(check_order(events, {"r1": 1.2 - 2 * CLOCK_SLACK_S}).violations) == 1


def test_a_retry_waits_surely_only_after_the_commit_slack() -> None:
    def events(gap_s: float) -> list[Moment]:
        return stream(
            (0, "w1", "ready"),
            (0, "r1", "ready"),
            (0, "r1", "started"),
            (1, "r1", "ready"),
            (1 + gap_s, "w1", "started"),
            (9, "r1", "started"),
        )

    assert check_order(events(COMMIT_SLACK_S / 2), {"r1": 0.0}).violations == ()
    assert len(check_order(events(COMMIT_SLACK_S * 2), {"r1": 0.0}).violations) == 1


def test_a_reset_that_no_longer_waits_holds_nobody_back() -> None:
    order = check_order(
        stream((0, "w1", "ready"), (0, "r1", "ready"), (1, "r1", "gone"), (2, "w1", "started")), {"r1": 0.0}
    )
    assert order.violations == ()


def test_without_a_backlog_nothing_was_shown() -> None:
    order = check_order(
        stream((0, "w1", "ready"), (1, "w1", "started"), (2, "r1", "ready"), (3, "r1", "started")), {"r1": 2.0}
    )
    assert order.violations == ()
    assert order.overtaken == 0
    assert not order.holds


def test_a_reset_older_than_the_waiting_mail_overtakes_nobody() -> None:
    order = check_order(stream((0, "r1", "ready"), (1, "w1", "ready"), (1, "r1", "started")), {"r1": 0.0})
    assert order.contested == 1
    assert order.overtaken == 0
