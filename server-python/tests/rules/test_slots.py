"""The slots of schedules: the vectors of the conformance suite, and properties against a slow reading of the rule."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from rockqueue_server.rules.cron import parse
from rockqueue_server.rules.slots import Timing, last_slots, next_slot, slots, zone_of

VECTORS = Path(__file__).parents[3] / "conformance-tests" / "vectors"
CRON: list[dict[str, Any]] = json.loads((VECTORS / "cron.json").read_text())["vectors"]
_US = 1_000_000
_ZONES = ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "America/Havana", "UTC"]
# Moments at which clocks were changed in one of these zones, and one at which none was.
_CHANGES = [
    "2026-03-08T07:00", "2026-11-01T06:00", "2026-04-04T15:00", "2026-10-03T15:30", "2026-02-15T02:00",
    "2026-03-22T02:00", "2011-12-30T10:00", "2026-03-08T05:00", "2026-11-01T05:00", "2026-06-01T12:00",
]  # fmt: skip


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * _US


def cron_timing(expression: str, zone: str) -> Timing:
    return Timing(cron=parse(expression), zone=zone_of(zone))


@pytest.mark.parametrize("vector", CRON, ids=lambda vector: vector["name"])
def test_cron_vectors(vector: dict[str, Any]) -> None:
    timing = cron_timing(vector["cron"], vector["time_zone"])
    found = slots(timing, us(vector["after"]), 1 << 60)
    assert [next(found) for _ in range(5)] == [us(slot) for slot in vector["slots"]]


def slow(minutes: set[int], hours: set[int] | None, zone: ZoneInfo, begin: datetime, end: datetime) -> list[int]:
    """Goes through all minutes there are, one by one. `hours` is None for an expression of every hour."""
    found: set[int] = set()
    fired: set[datetime] = set()
    before = (begin - timedelta(minutes=1)).astimezone(zone).replace(tzinfo=None)
    moment = begin
    while moment <= end:
        local = moment.astimezone(zone).replace(tzinfo=None)
        # What the clock jumped over fires now; what it shows again has fired before.
        passed = before + timedelta(minutes=1)
        while passed <= local and hours is not None:
            if passed.minute in minutes and passed.hour in hours and passed not in fired:
                found.add(int(moment.timestamp()))
                fired.add(passed)
            passed += timedelta(minutes=1)
        if hours is None and local.minute in minutes:
            found.add(int(moment.timestamp()))
        before = local
        moment += timedelta(minutes=1)
    return sorted(found)


@settings(max_examples=60, deadline=None)
@given(
    change=st.sampled_from(_CHANGES),
    zone=st.sampled_from(_ZONES),
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4),
    hours=st.none() | st.sets(st.integers(0, 23), min_size=1, max_size=6),
    skew=st.integers(-600, 600),
)
def test_slots_are_those_of_a_slow_reading(
    change: str, zone: str, minutes: set[int], hours: set[int] | None, skew: int
) -> None:
    middle = datetime.fromisoformat(change + "+00:00")
    begin, end = middle - timedelta(hours=30), middle + timedelta(hours=30)
    since = int((middle + timedelta(minutes=skew)).timestamp())
    hour = "*" if hours is None else ",".join(map(str, sorted(hours)))
    timing = cron_timing(f"{','.join(map(str, minutes))} {hour} * * *", zone)
    expected = [one for one in slow(minutes, hours, ZoneInfo(zone), begin, end) if one > since]
    found = [one // _US for one in slots(timing, since * _US, int(end.timestamp()) * _US)]
    assert found == expected


_FIELD = st.sampled_from(["*", "*/7", "3", "1-5", "2,4,6", "1-12/3"])


@settings(max_examples=150, deadline=None)
@given(
    minute=_FIELD, hour=_FIELD, day=st.sampled_from(["*", "L", "13", "1-7", "31", "29,30"]), month=_FIELD,
    weekday=st.sampled_from(["*", "0", "5", "1-5", "7", "MON,FRI"]), start=st.integers(0, 4_000_000_000),
)  # fmt: skip
def test_without_changes_of_the_clock_croniter_finds_the_same(
    minute: str, hour: str, day: str, month: str, weekday: str, start: int
) -> None:
    expression = f"{minute} {hour} {day} {month} {weekday}"
    try:
        timing = cron_timing(expression, "UTC")
    except ValueError:
        return
    other = croniter(expression, datetime.fromtimestamp(start, UTC), day_or=True)
    found = slots(timing, start * _US, 1 << 60)
    assert [next(found) // _US for _ in range(5)] == [int(other.get_next(float)) for _ in range(5)]


@given(
    first=st.integers(0, 1 << 50), every=st.integers(_US, 366 * 86_400 * _US), after=st.integers(0, 1 << 50),
    start=st.booleans(),
)  # fmt: skip
def test_an_interval_does_not_drift(first: int, every: int, after: int, start: bool) -> None:
    timing = Timing(first_us=first, interval_us=every, start_us=first if start else 0)
    slot = next_slot(timing, after)
    assert slot is not None
    assert slot > after
    assert (slot - first) % every == 0
    assert slot == first or slot - every <= after


@settings(max_examples=60, deadline=None)
@given(
    expression=st.sampled_from(["*/5 * * * *", "0 3 * * *", "* * 3 * * *", "0 0 29 2 *", "30 2 * * 0"]),
    until=st.integers(1_700_000_000, 1_800_000_000), span=st.integers(0, 200_000), most=st.integers(1, 100),
)  # fmt: skip
def test_the_last_slots_are_the_end_of_all_slots(expression: str, until: int, span: int, most: int) -> None:
    timing = cron_timing(expression, "America/New_York")
    since_us, until_us = (until - span) * _US, until * _US
    assert last_slots(timing, since_us, until_us, most) == list(slots(timing, since_us, until_us))[-most:]


def test_no_slot_is_before_the_start_or_at_the_end() -> None:
    timing = cron_timing("0 * * * *", "UTC")._replace(start_us=us("2026-01-01T05:00Z"), end_us=us("2026-01-01T07:00Z"))
    assert list(slots(timing, 0, 1 << 60)) == [us("2026-01-01T05:00Z"), us("2026-01-01T06:00Z")]


def test_the_end_of_time_is_no_slot() -> None:
    for expression in ("* * * * *", "0 3 * * *"):
        assert next_slot(cron_timing(expression, "Pacific/Apia"), 253_402_300_799 * _US) is None
    assert next_slot(Timing(first_us=0, interval_us=_US), 253_402_300_799 * _US) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../UTC",
        "America",
        "America/",
        "/UTC",
        "localtime",
        "right/UTC",
        "posix/UTC",
        "Mars/Base",
        "UTC\0",
        "a" * 999,
    ],
)
def test_names_that_are_no_time_zone(name: str) -> None:
    assert zone_of(name) is None
