"""When the next attempt comes: the steps of the contract, each times a chance factor, or what the receiver asks for."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

_S = 1_000_000
_MINUTE, _HOUR = 60 * _S, 3600 * _S

STEPS_US = (
    5 * _S, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR,
)  # fmt: skip
"""The pause after each failed attempt."""
ATTEMPTS = len(STEPS_US) + 1
"""After so many failed attempts a delivery is given up."""
SPREAD = 0.2
MOST_ASKED_US = 24 * _HOUR
"""A receiver may put an attempt off for so long; what is more counts as this."""


def pause_us(failed: int, chance: float) -> int | None:
    """The pause after `failed` failed attempts, 1 for the first; None after the last. `chance` is in [0, 1)."""
    if failed >= ATTEMPTS:
        return None
    return round(STEPS_US[failed - 1] * (1 - SPREAD + 2 * SPREAD * chance))


def asked_us(retry_after: str, now_us: int) -> int:
    """The pause that a `retry-after` header asks for, in seconds or as a date; 0 when it says nothing that is one."""
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,12}", text):
        return min(int(text) * _S, MOST_ASKED_US)
    try:
        moment_us = int(parsedate_to_datetime(text).timestamp() * _S)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
    return min(max(0, moment_us - now_us), MOST_ASKED_US)
