"""What is to be done at a moment, in the order of the moments."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

_AGAIN_US = 1_000_000


class Alarm:
    """Something to do once at `due_us`. `cancel` before then makes it nothing."""

    __slots__ = ("action", "due_us", "lazy")

    def __init__(self, due_us: int, action: Callable[[], None], *, lazy: bool) -> None:
        self.due_us = due_us
        self.action: Callable[[], None] | None = action
        self.lazy = lazy

    def cancel(self) -> None:
        """It will not be done."""
        self.action = None


class Alarms:
    """Alarms in memory. What must outlive the process has its place in the store and only rings here."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Alarm]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def set(self, due_us: int, action: Callable[[], None], *, lazy: bool = False) -> Alarm:
        """Rings at `due_us`. A lazy one is housekeeping: a test that turns the clock far does not stop at each of them."""
        alarm = Alarm(due_us, action, lazy=lazy)
        heapq.heappush(self._heap, (due_us, next(self._order), alarm))
        return alarm

    def next_due_us(self) -> int | None:
        """When the next alarm rings."""
        heap = self._heap
        while heap and heap[0][2].action is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def next_firm_us(self, until_us: int) -> int | None:
        """When the next alarm that is not lazy rings, if by `until_us`."""
        dues = [due for due, _, alarm in self._heap if due <= until_us and alarm.action is not None and not alarm.lazy]
        return min(dues, default=None)

    def ring(self, now_us: int, most: int) -> int:
        """Does what is due, at most `most` alarms; returns how many it did.

        An alarm whose action fails rings again a second later, so that a full disk delays a lease's end and loses it not.
        """
        done = 0
        heap = self._heap
        while heap and heap[0][0] <= now_us and done < most:
            alarm = heapq.heappop(heap)[2]
            action, alarm.action = alarm.action, None
            if action is not None:
                try:
                    action()
                except BaseException:
                    self.set(now_us + _AGAIN_US, action, lazy=alarm.lazy)
                    raise
                done += 1
        return done
