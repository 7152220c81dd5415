"""The clock that decides: never backwards, paced by the monotonic clock, turned by hand in tests."""

from __future__ import annotations

import time

HELD_KEY = b"held"
"""In column `meta` while a test holds the clock."""


class Clock:
    """Server time in microseconds since 1970.

    It starts at the wall clock or just after the last time that was committed, whichever is later, follows the wall
    clock
    forward, and moves by the monotonic clock when the wall clock steps back. Durations (leases, heartbeats) are
    differences of `monotonic_us`, which no step of the wall clock touches.
    """

    def __init__(self, floor_us: int = 0, *, held: bool = False) -> None:
        # A millisecond on: ids that were made within the last one must stay the earlier ones.
        start_us = floor_us + 1000
        self._offset_us = max(time.time_ns() // 1000, start_us) - time.monotonic_ns() // 1000
        self._frozen_us: int | None = start_us if held else None

    @property
    def frozen(self) -> bool:
        """True while the clock stands still."""
        return self._frozen_us is not None

    def now_us(self) -> int:
        """Now. Equal to or later than every earlier answer."""
        if self._frozen_us is not None:
            return self._frozen_us
        return time.monotonic_ns() // 1000 + self._offset_us

    def freeze(self) -> None:
        """Stops the clock where it is."""
        self._frozen_us = self.now_us()

    def turn_to(self, now_us: int) -> None:
        """Stops the clock and sets it; never backwards."""
        self._frozen_us = max(self.now_us(), now_us)

    def resume(self) -> None:
        """Lets a stopped clock run from where it is."""
        if self._frozen_us is not None:
            self._offset_us = self._frozen_us - time.monotonic_ns() // 1000
            self._frozen_us = None

    def follow_wall_clock(self, least_us: int) -> int:
        """Takes over a wall clock that is ahead by `least_us` or more; returns by how many microseconds, else 0.

        It was set forward, or the machine slept. Leases must not end by it: the caller shifts what runs on
        durations. A clock that was turned in a test stays where it is.
        """
        if self._frozen_us is not None:
            return 0
        ahead = time.time_ns() // 1000 - self.now_us()
        if ahead >= least_us:
            self._offset_us += ahead
            return ahead
        return 0
