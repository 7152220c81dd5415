"""The cron vectors are right: a slow reading of the contract, that tries every offset of the zone, agrees."""

from __future__ import annotations

import calendar
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from rockqueue_conformance.folders import data_folder

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()  # noqa: SIM905 - a line of names
_DAYS = "SUN MON TUE WED THU FRI SAT".split()  # noqa: SIM905 - a line of names
_AROUND = [timedelta(hours=12 * halves) for halves in range(-2, 3)]


def load() -> list[dict[str, Any]]:
    folder = data_folder("vectors")
    data = json.loads((folder / "cron.json").read_text())
    validator: Any = Draft202012Validator(json.loads((folder / "cron.schema.json").read_text()))
    validator.validate(data)
    return data["vectors"]


def numbers(field: str, low: int, high: int, names: Sequence[str]) -> set[int]:
    """What a field allows, number by number."""
    for index, name in enumerate(names):
        field = field.upper().replace(name, str(index + low))
    found: set[int] = set()
    for entry in field.split(","):
        span, _, step = entry.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


class SlowCron:
    """An expression, asked of one day and one time of day after the other."""

    def __init__(self, expression: str) -> None:
        fields = _MACROS.get(expression, expression).split()
        second, minute, hour, self.day, month, weekday = fields if len(fields) == 6 else ["0", *fields]
        self.hour = hour
        self.times = [
            time(h, m, s)
            for h, m, s in product(*(sorted(numbers(f, 0, n, [])) for f, n in ((hour, 23), (minute, 59), (second, 59))))
        ]
        self.months = numbers(month, 1, 12, _MONTHS)
        self.weekdays = {day % 7 for day in numbers(weekday, 0, 7, _DAYS)}

    def on(self, day: date) -> bool:
        last = calendar.monthrange(day.year, day.month)[1]
        days = numbers(self.day.replace("L", str(last)), 1, 31, [])
        of_month, of_week = day.day in days, day.isoweekday() % 7 in self.weekdays
        both = self.day != "*" and len(self.weekdays) < 7
        return day.month in self.months and (of_month or of_week if both else of_month and of_week)

    def offsets(self, local: datetime, zone: ZoneInfo) -> set[timedelta]:
        """Every offset that the zone has within a day of a local time."""
        found = {(local.replace(tzinfo=UTC) + around).astimezone(zone).utcoffset() for around in _AROUND}
        return {offset for offset in found if offset is not None}

    def moments(self, local: datetime, zone: ZoneInfo) -> list[datetime]:
        """The moments at which a local time fires."""
        here = sorted(
            moment
            for offset in self.offsets(local, zone)
            if (moment := (local - offset).replace(tzinfo=UTC)).astimezone(zone).replace(tzinfo=None) == local
        )
        if self.hour == "*" or self.hour.startswith("*/"):
            return here
        if here:
            return here[:1]
        # The first minute that shows a later time: clocks are put forward at whole minutes.
        moment = local.replace(second=0, tzinfo=UTC) - timedelta(hours=40)
        while moment.astimezone(zone).replace(tzinfo=None) < local:
            moment += timedelta(minutes=1)
        return [moment]


def slow_slots(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The slots later than `after`. What a day fires comes out two days later, when nothing earlier can follow."""
    cron = SlowCron(expression)
    day = after.astimezone(zone).date() - timedelta(days=2)
    pending: set[datetime] = set()
    while True:
        if cron.on(day):
            for at in cron.times:
                pending |= {one for one in cron.moments(datetime.combine(day, at), zone) if one > after}
        settled = datetime.combine(day - timedelta(days=2), time(), UTC)
        for one in sorted(one for one in pending if one < settled):
            yield one
            pending.discard(one)
        day += timedelta(days=1)


@pytest.mark.parametrize("vector", load(), ids=lambda vector: vector["name"])
def test_cron_vectors_say_what_the_contract_says(vector: dict[str, Any]) -> None:
    after = datetime.fromisoformat(vector["after"])
    found = slow_slots(vector["cron"], ZoneInfo(vector["time_zone"]), after)
    slots = [next(found).strftime("%Y-%m-%dT%H:%M:%SZ") for _ in range(5)]
    assert slots == vector["slots"]


def test_the_vectors_cover_the_zones_that_are_hard() -> None:
    zones = {vector["time_zone"] for vector in load()}
    hard = {"America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "UTC"}
    assert hard <= zones
