"""The slots of a schedule: the moments at which it fires, as ScheduleService in the contract says.

A local time becomes a moment in one of two ways. An expression with certain hours fires once for each local time: one
that does not exist that day at the first moment after the gap, one that exists twice the first time. An expression for
every hour fires at every real moment that its fields match: in the gap never, in the repeated hour again.

Moments are microseconds since 1970; those of cron expressions are whole seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rockqueue_server.rules.cron import SECOND, Cron, next_match

_US = 1_000_000
_LONGEST_FOLD_S = 3 * 3600
"""No clock has been put back by more than this since 1970."""
_LAST_S = 253_000_000_000
"""In the year 9987: later moments have no local time in some zones."""
_ZONE = re.compile(r"(?!(?:right|posix)/)[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*\Z")
_NOT_ZONES = frozenset(("localtime", "posixrules", "Factory", "leapseconds", "tzdata.zi"))
_WINDOW_GROWS = 4


class Timing(NamedTuple):
    """When a schedule fires.

    With `cron`, by its fields in `zone`; else at `first_us` and every `interval_us` after it. No slot is before
    `start_us`, and none at `end_us` or later (0: no end).
    """

    cron: Cron | None = None
    zone: ZoneInfo | None = None
    first_us: int = 0
    interval_us: int = 0
    start_us: int = 0
    end_us: int = 0
    gaps_fire: bool = True
    """False is a seeded defect: local times that do not exist are passed over."""


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of this IANA name, None when there is none."""
    if not _ZONE.match(name) or name in _NOT_ZONES:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return None


def next_slot(timing: Timing, after_us: int) -> int | None:
    """The first slot later than `after_us`, None when there are no more."""
    after_us = max(after_us, timing.start_us - 1)
    if timing.cron is None:
        steps = max(0, (after_us - timing.first_us) // timing.interval_us + 1)
        slot_us = timing.first_us + steps * timing.interval_us
    else:
        slot_s = _next_of_cron(timing, after_us // _US)
        if slot_s is None:
            return None
        slot_us = slot_s * _US
    if slot_us >= _LAST_S * _US or (timing.end_us and slot_us >= timing.end_us):
        return None
    return slot_us


def slots(timing: Timing, after_us: int, until_us: int) -> Iterator[int]:
    """The slots later than `after_us`, up to `until_us` and with it, earliest first."""
    slot_us = next_slot(timing, after_us)
    while slot_us is not None and slot_us <= until_us:
        yield slot_us
        slot_us = next_slot(timing, slot_us)


def last_slots(timing: Timing, after_us: int, until_us: int, most: int) -> list[int]:
    """The last `most` of `slots`, earliest first; the cost does not grow with how many there are."""
    window_us = 2 * most * (timing.interval_us or _US)
    while True:
        since_us = max(after_us, until_us - window_us)
        found = list(slots(timing, since_us, until_us))
        if len(found) >= most or since_us == after_us:
            return found[-most:]
        window_us *= _WINDOW_GROWS


def _next_of_cron(timing: Timing, after_s: int) -> int | None:
    assert timing.cron is not None
    assert timing.zone is not None
    if after_s >= _LAST_S:
        return None
    if timing.cron.every_hour:
        return _next_real(timing.cron, timing.zone, after_s)
    return _next_local(timing.cron, timing.zone, after_s, gaps_fire=timing.gaps_fire)


def _next_local(cron: Cron, zone: ZoneInfo, after_s: int, *, gaps_fire: bool) -> int | None:
    """Each local time once. Later local times are never earlier moments, so the first one that is later is the next."""
    since = _local(after_s, zone) + SECOND
    while (found := next_match(cron, since)) is not None:
        moment = _first_moment(found, zone)
        if moment > after_s and (gaps_fire or _local(moment, zone) == found):
            return moment
        since = found + SECOND
    return None


def _next_real(cron: Cron, zone: ZoneInfo, after_s: int) -> int | None:
    """Each moment whose local time matches. Goes from one change of the clocks to the next while they are near."""
    since_s = after_s + 1
    while True:
        local = _local(since_s, zone)
        found = next_match(cron, local)
        if found is None:
            return None
        moment = since_s + int((found - local).total_seconds())
        near_s = min(moment, since_s + _LONGEST_FOLD_S)
        change = _change(zone, since_s, near_s)
        if change is not None:
            since_s = change
        elif moment == near_s:
            return moment
        else:
            # No clock is put back so far that this local time could come before others that were passed.
            for fold in (0, 1):
                moment = _moment(found, zone, fold)
                if moment > after_s and _local(moment, zone) == found:
                    return moment
            since_s = _first_moment(found, zone)


def _first_moment(local: datetime, zone: ZoneInfo) -> int:
    """The first moment that has this local time; the end of the gap for one that does not exist."""
    moment = _moment(local, zone, 0)
    if _local(moment, zone) == local:
        return moment
    # In a gap: read with the offset before it the time lies behind the gap, with that after it before the gap.
    change = _change(zone, _moment(local, zone, 1), moment)
    return moment if change is None else change


def _change(zone: ZoneInfo, low_s: int, high_s: int) -> int | None:
    """The first moment in (low_s, high_s] whose offset is another than at `low_s`; one change at most lies between."""
    before = _offset(low_s, zone)
    if _offset(high_s, zone) == before:
        return None
    while high_s - low_s > 1:
        middle = (low_s + high_s) // 2
        if _offset(middle, zone) == before:
            low_s = middle
        else:
            high_s = middle
    return high_s


def _local(moment_s: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment_s, zone).replace(tzinfo=None, fold=0)


def _moment(local: datetime, zone: ZoneInfo, fold: int) -> int:
    return int(local.replace(tzinfo=zone, fold=fold).timestamp())


def _offset(moment_s: int, zone: ZoneInfo) -> object:
    return datetime.fromtimestamp(moment_s, UTC).astimezone(zone).utcoffset()
