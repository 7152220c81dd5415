"""Cron expressions: what the contract allows (ScheduleService in `rockqueue/v1/schedule_service.proto`), and no more.

An expression is read into sets of numbers, and found again in local times: naive, without a time zone. What a time zone
does to them is in `slots`.
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

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
_SEARCH_MONTHS = 9 * 12
"""The 29th of February may be 8 years away."""
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
    """An expression. Numbers grow; week days begin with Sunday, 0."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    every_hour: bool
    """The hour is `*` or `*/n`: it fires at every real interval, whatever the clocks do."""

    def days_of(self, year: int, month: int) -> tuple[int, ...]:
        """The days of a month on which it fires."""
        return _days_of(self.days, self.months, self.weekdays, year, month)


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
    seconds = _read(second, _SECOND)
    minutes, hours, days, months, weekdays = (_read(part, field) for part, field in zip(parts, _FIELDS, strict=True))
    hour = parts[1]
    cron = Cron(
        tuple(sorted(seconds)),
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        frozenset(days),
        frozenset(months),
        frozenset(day % 7 for day in weekdays),
        _EVERY.match(hour) is not None,
    )
    # A leap year: what does not come in its months never does.
    if next_match(cron, datetime(2000, 1, 1)) is None:  # noqa: DTZ001 - local times have no zone here
        raise CronError("never comes: none of its months has such a day")
    return cron


def next_match(cron: Cron, since: datetime) -> datetime | None:
    """The first local time of an expression at `since` or later, both naive; `since` has no fraction of a second."""
    year, month = since.year, since.month
    first_day, start = since.day, (since.hour, since.minute, since.second)
    for _ in range(_SEARCH_MONTHS):
        for day in cron.days_of(year, month):
            if day < first_day:
                continue
            found = _time_of_day(cron, *(start if day == first_day else (0, 0, 0)))
            if found is not None:
                return datetime(year, month, day, *found)  # noqa: DTZ001 - local times have no zone here
        first_day, start = 0, (0, 0, 0)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)  # noqa: PLR2004 - December
        if year > 9998:  # noqa: PLR2004 - the last year whose moments any time zone can show
            return None
    return None


def _time_of_day(cron: Cron, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
    """The first time of day at this one or later."""
    for h in cron.hours:
        if h < hour:
            continue
        for m in cron.minutes:
            if h == hour and m < minute:
                continue
            for s in cron.seconds:
                if (h, m) != (hour, minute) or s >= second:
                    return h, m, s
    return None


@lru_cache(maxsize=4096)
def _days_of(
    days: frozenset[int], months: frozenset[int], weekdays: frozenset[int], year: int, month: int
) -> tuple[int, ...]:
    if month not in months:
        return ()
    first, length = calendar.monthrange(year, month)
    all_days, all_weekdays = len(days - {_LAST}) == 31, len(weekdays) == 7  # noqa: PLR2004 - a month, a week
    found: list[int] = []
    for day in range(1, length + 1):
        of_month = day in days or (day == length and _LAST in days)
        of_week = (first + day) % 7 in weekdays
        matches = of_month and of_week if all_days or all_weekdays else of_month or of_week
        if matches:
            found.append(day)
    return tuple(found)


def _read(text: str, field: _Field) -> set[int]:
    """The numbers of one field."""
    found: set[int] = set()
    for entry in text.split(","):
        found |= _read_entry(entry, field)
    return found


def _read_entry(entry: str, field: _Field) -> set[int]:
    range_, slash, step_text = entry.partition("/")
    step = 1
    if slash:
        span = field.high - field.low + 1
        if not _STEP.match(step_text) or not 1 <= int(step_text) <= span:
            raise _wrong(field, entry, f"a step is a number from 1 to {span}")
        step = int(step_text)
    if range_ == "*":
        # 7 is another name of Sunday: a step over all week days goes from 0 to 6.
        return set(range(field.low, min(field.high, 6 if field.names is _DAY_NAMES else 99) + 1, step))
    low_text, dash, high_text = range_.partition("-")
    low = _number(low_text, field, entry)
    if not dash:
        if slash:
            raise _wrong(field, entry, f"a step goes over * or a range: write {low_text}-{field.high}/{step}")
        return {low}
    high = _number(high_text, field, entry)
    if _LAST in (low, high):
        raise _wrong(field, entry, "L stands alone or in a list")
    if low > high:
        raise _wrong(field, entry, "a range goes upwards: write two of them with a comma")
    return set(range(low, high + 1, step))


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
