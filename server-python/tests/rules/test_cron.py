"""What is a cron expression, and what is refused with a hint at what to write instead."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockqueue_server.rules.cron import SECOND, CronError, next_match, parse


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "has 0 fields"),
        ("* * *", "has 3 fields"),
        ("0 0 0 1 1 * 2026", "no field for the year"),
        ("@never", "is not known: use one of @yearly"),
        ("@reboot", "is not known"),
        ("60 * * * *", "minute '60': must be 0 to 59"),
        ("* 24 * * *", "hour '24': must be 0 to 23"),
        ("* * 0 * *", "day of month '0': must be 1 to 31"),
        ("* * 32 * *", "day of month '32'"),
        ("* * * 13 *", "month '13'"),
        ("* * * * 8", "day of week '8': must be 0 to 7"),
        ("60 * * * * *", "second '60'"),
        ("5/15 * * * *", "write 5-59/15"),
        ("*/0 * * * *", "a step is a number from 1 to 60"),
        ("*/61 * * * *", "a step is a number"),
        ("*/ * * * *", "a step is a number"),
        ("1/2/3 * * * *", "a step is a number"),
        ("5-1 * * * *", "a range goes upwards"),
        ("* * * * FRI-MON", "a range goes upwards"),
        ("* * L-3 * *", "L stands alone"),
        ("* * 1-L * *", "L stands alone"),
        ("* * L/2 * *", "a step goes over"),
        ("1, * * * *", "minute ''"),
        (",1 * * * *", "minute ''"),
        ("1--2 * * * *", "minute '1--2'"),
        ("-1 * * * *", "minute '-1'"),
        ("+1 * * * *", "minute '+1'"),
        ("1.5 * * * *", "minute '1.5'"),
        ("\u0661 * * * *", "minute"),
        ("* * ? * *", "day of month '?'"),
        ("* * 15W * *", "day of month '15W'"),
        ("* * * * 5#2", "day of week '5#2'"),
        ("* * * * 5L", "day of week '5L'"),
        ("R * * * *", "minute 'R'"),
        ("H H * * *", "minute 'H'"),
        ("* * * MONDAY *", "month 'MONDAY'"),
        ("* L * * *", "hour 'L'"),
        ("JAN * * * *", "minute 'JAN'"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("0 0 30-31 2 *", "never comes"),
        ("*" * 2000, "at most 1024 characters"),
    ],
)
def test_what_is_refused(expression: str, says: str) -> None:
    with pytest.raises(CronError) as refused:
        parse(expression)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 200


def matches(expression: str) -> list[datetime]:
    """The first 40 local times of an expression."""
    cron, found = parse(expression), [datetime(2026, 1, 1)]  # noqa: DTZ001 - local times have no zone
    while len(found) < 40:
        following = next_match(cron, found[-1] + SECOND)
        assert following is not None
        found.append(following)
    return found[1:]


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ("@hourly", "0 * * * *"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 6-7", "0 0 * * 0,6"),
        ("0 0 * * sun", "0 0 * * 0"),
        ("0 0 * jan-mar/2 *", "0 0 * 1,3 *"),
        ("0 12 * * *", "0 0 12 * * *"),
        ("  0\t12 * *  *  ", "0 12 * * *"),
        ("0 0 * * */2", "0 0 * * 0,2,4,6"),
        ("00-59/30 * * * *", "0,30 * * * *"),
        ("0 0 */1 * 1", "0 0 * * 1"),
    ],
)
def test_what_means_the_same(expression: str, same: str) -> None:
    assert matches(expression) == matches(same)


@pytest.mark.parametrize(
    ("hour", "every"), [("*", True), ("*/2", True), ("0-23", False), ("*/2,5", False), ("3", False)]
)
def test_whether_it_fires_at_every_real_interval(hour: str, every: bool) -> None:
    assert parse(f"0 {hour} * * *").every_hour is every


@given(st.text(alphabet="0123456789*/-,@LHRW#? JANSUN\t\n", max_size=40))
def test_garbage_is_refused_or_comes(text: str) -> None:
    try:
        cron = parse(text)
    except CronError:
        return
    assert next_match(cron, datetime(2026, 1, 1)) is not None  # noqa: DTZ001 - local times have no zone


def test_the_last_years_of_the_calendar_hold_no_more() -> None:
    assert next_match(parse("0 0 29 2 *"), datetime(9997, 1, 1)) is None  # noqa: DTZ001 - local times have no zone
