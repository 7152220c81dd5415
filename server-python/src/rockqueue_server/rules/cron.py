"""Cron expressions: what the contract allows (ScheduleService in `rockqueue/v1/schedule_service.proto`), and no more.

croniter finds the local times of an expression: naive, without a time zone. What a time zone does to them is in
`slots`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from croniter import CroniterBadDateError, croniter

LONGEST = 1024
"""Characters of an expression."""

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_DAYS = "SUN MON TUE WED THU FRI SAT"
_LAST = 32
"""Stands for the last day of the month among the days."""
_MONTH_NAMES = {name: month for month, name in enumerate(_MONTHS.split(), 1)}
_DAY_NAMES = {name: day for day, name in enumerate(_DAYS.split())}
LAST_YEAR = 9998
SECOND = timedelta(seconds=1)
_STEP = re.compile(r"[0-9]{1,3}\Z")
_EVERY = re.compile(r"\*(?:/[0-9]+)?\Z")
_NUMBER = re.compile(r"[0-9]{1,2}\Z")


class _Field(NamedTuple):
    """What a field may hold."""

    name: str
    low: int
    high: int
    names: dict[str, int]


_SECOND = _Field("second", 0, 59, {})
_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {"L": _LAST}),
    _Field("month", 1, 12, _MONTH_NAMES),
    _Field("day of week", 0, 7, _DAY_NAMES),
)


class CronError(ValueError):
    """The expression is not one. The text says what is wrong and what to write instead."""


class Cron(NamedTuple):
    """An expression that was checked."""

    fields: str
    """The six fields, the second first, as croniter reads them."""
    every_hour: bool
    """The hour is `*` or `*/n`: it fires at every real interval, whatever the clocks do."""


@lru_cache(maxsize=1024)
def parse(expression: str) -> Cron:
    """Reads an expression. Raises CronError."""
    if len(expression) > LONGEST:
        raise CronError(f"must be at most {LONGEST} characters")
    text = expression.strip()
    if text.startswith("@"):
        macro = _MACROS.get(text)
        if macro is None:
            raise CronError(f"{text[:20]} is not known: use one of {' '.join(_MACROS)}, or five fields")
        text = macro
    parts = text.split()
    if len(parts) not in (5, 6):
        raise CronError(
            f"has {len(parts)} fields: write minute, hour, day of month, month and day of week, "
            "or the second before them; there is no field for the year"
        )
    second = parts.pop(0) if len(parts) == 6 else "0"  # noqa: PLR2004 - with the second
    _check(second, _SECOND)
    for part, field in zip(parts, _FIELDS, strict=True):
        _check(part, field)
    # A step of 1 restricts nothing, which croniter does not see.
    cron = Cron(re.sub(r"\*/0*1(?!\d)", "*", " ".join([second, *parts])), _EVERY.match(parts[1]) is not None)
    # A leap year: what does not come in its months never does.
    if next_match(cron, datetime(2000, 1, 1)) is None:  # noqa: DTZ001 - local times have no zone here
        raise CronError("never comes: none of its months has such a day")
    return cron


def next_match(cron: Cron, since: datetime) -> datetime | None:
    """The first local time of an expression at `since` or later, both naive; `since` has no fraction of a second."""
    try:
        found = croniter(cron.fields, since - SECOND, second_at_beginning=True).get_next(datetime)
    except (CroniterBadDateError, OverflowError, ValueError):
        return None
    # The last year whose moments any time zone can show.
    return found if found.year <= LAST_YEAR else None


def _check(text: str, field: _Field) -> None:
    """Refuses what the contract does not allow, and croniter might."""
    for entry in text.split(","):
        _check_entry(entry, field)


def _check_entry(entry: str, field: _Field) -> None:
    range_, slash, step_text = entry.partition("/")
    if slash:
        span = field.high - field.low + 1
        if not _STEP.match(step_text) or not 1 <= int(step_text) <= span:
            raise _wrong(field, entry, f"a step is a number from 1 to {span}")
    if range_ == "*":
        return
    low_text, dash, high_text = range_.partition("-")
    low = _number(low_text, field, entry)
    if not dash:
        if slash:
            raise _wrong(field, entry, f"a step goes over * or a range: write {low_text}-{field.high}/{step_text}")
        return
    high = _number(high_text, field, entry)
    if _LAST in (low, high):
        raise _wrong(field, entry, "L stands alone or in a list")
    if low > high:
        raise _wrong(field, entry, "a range goes upwards: write two of them with a comma")


def _number(text: str, field: _Field, entry: str) -> int:
    named = field.names.get(text.upper())
    if named is not None:
        return named
    if not _NUMBER.match(text):
        raise _wrong(field, entry, "write *, a number, a range a-b, a list a,b, or steps */n and a-b/n")
    number = int(text)
    if not field.low <= number <= field.high:
        raise _wrong(field, entry, f"must be {field.low} to {field.high}")
    return number


def _wrong(field: _Field, entry: str, rule: str) -> CronError:
    return CronError(f"{field.name} {entry[:20]!r}: {rule}")
