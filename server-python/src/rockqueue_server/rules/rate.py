"""How many deliveries there may be in a time: a bucket that fills evenly, kept as one moment (GCRA).

The level of a bucket is the moment at which it will be full again, so that it needs no hand that fills it, and means
the same after a restart. Times are picoseconds inside, since a million deliveries in a millisecond are allowed.
"""

from __future__ import annotations

from typing import NamedTuple

_PS = 1_000_000
"""Picoseconds in a microsecond."""


class Rate(NamedTuple):
    """One delivery in each `interval_ps`, and up to `burst` at once."""

    interval_ps: int
    burst: int


class Level(NamedTuple):
    """When a bucket is full again, measured with deliveries that are `interval_ps` apart. Zeros: it is full."""

    full_ps: int = 0
    interval_ps: int = 0

    @property
    def full_us(self) -> int:
        """The same in microseconds, rounded up."""
        return -(-self.full_ps // _PS)


FULL = Level()


def rate_of(count: int, period_us: int, burst: int) -> Rate:
    """`count` deliveries in `period_us`; never more than that, so the interval is rounded up."""
    return Rate(-(-period_us * _PS // count), burst)


def fitted(rate: Rate, level: Level, now_us: int) -> Level:
    """The level under a rate that may have changed: as many deliveries are missing as before, at most the burst."""
    now_ps = now_us * _PS
    missing_ps = max(0, level.full_ps - now_ps)
    if level.interval_ps and level.interval_ps != rate.interval_ps:
        missing_ps = -(-missing_ps * rate.interval_ps // level.interval_ps)
    return Level(now_ps + min(missing_ps, rate.burst * rate.interval_ps), rate.interval_ps)


def room(rate: Rate, level: Level, now_us: int) -> int:
    """How many deliveries there may be now."""
    missing_ps = fitted(rate, level, now_us).full_ps - now_us * _PS
    return (rate.burst * rate.interval_ps - missing_ps) // rate.interval_ps


def spent(rate: Rate, level: Level, now_us: int, count: int) -> Level:
    """The level after `count` deliveries, for which there was room."""
    before = fitted(rate, level, now_us)
    return Level(before.full_ps + count * rate.interval_ps, rate.interval_ps)


def given_back(level: Level, count: int) -> Level:
    """The level without the last `count` deliveries, which did not come to pass."""
    return Level(level.full_ps - count * level.interval_ps, level.interval_ps)


def free_us(rate: Rate, level: Level, now_us: int) -> int:
    """When there is room for one delivery; `now_us` if there is now."""
    at_ps = fitted(rate, level, now_us).full_ps - (rate.burst - 1) * rate.interval_ps
    return max(now_us, -(-at_ps // _PS))
