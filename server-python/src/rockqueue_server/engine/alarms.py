"""What is to be done at a moment, in the order of the moments."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable

_AGAIN_US = 1_000_000
_MOST_CANCELLED = 1000


class Alarm:
    """Something to do once at `due_us`. `cancel` before then makes it nothing."""

    __slots__ = ("_alarms", "absolute", "action", "due_us", "lazy")

    def __init__(self, alarms: Alarms, due_us: int, action: Callable[[], None], *, lazy: bool, absolute: bool) -> None:
        self._alarms = alarms
        self.due_us = due_us
        self.action: Callable[[], None] | None = action
        self.lazy = lazy
        self.absolute = absolute

    def cancel(self) -> None:
        """It will not be done."""
        if self.action is not None:
            self.action = None
            self._alarms.cancelled()


class Alarms:
    """Alarms in memory. What must outlive the process has its place in the store and only rings here."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Alarm]] = []
        self._order = itertools.count()
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap)

    def set(self, due_us: int, action: Callable[[], None], *, lazy: bool = False, absolute: bool = False) -> Alarm:
        """Rings at `due_us`.

        A lazy one is housekeeping: a test that turns the clock far does not stop at each of them. An absolute one
        means a moment; the others mean a span from when they were set, and move when the clock jumps.
        """
        alarm = Alarm(self, due_us, action, lazy=lazy, absolute=absolute)
        heapq.heappush(self._heap, (due_us, next(self._order), alarm))
        return alarm

    def by(self, alarm: Alarm | None, due_us: int, action: Callable[[], None]) -> Alarm:
        """The absolute alarm that rings by `due_us`: `alarm` when it does, or else a new one in its place."""
        if alarm is not None and alarm.action is not None:
            if alarm.due_us <= due_us:
                return alarm
            alarm.cancel()
        return self.set(due_us, action, absolute=True)

    def cancelled(self) -> None:
        """One more will not ring. When most are such, they go: an alarm set for next year must not stay until then."""
        self._cancelled += 1
        if self._cancelled > _MOST_CANCELLED and 2 * self._cancelled > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def shift(self, by_us: int) -> None:
        """The clock jumped ahead: what means a span of time rings that much later."""
        for _, _, alarm in self._heap:
            if not alarm.absolute:
                alarm.due_us += by_us
        self._heap = [(alarm.due_us, order, alarm) for _, order, alarm in self._heap]
        heapq.heapify(self._heap)

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

    def ring(self, now_us: int, for_s: float) -> int:
        """Does what is due, for about `for_s` seconds; returns how many alarms it did.

        An alarm whose action fails rings again a second later, so that a full disk delays a lease's end and loses it
        not.
        """
        done = 0
        until = time.perf_counter() + for_s
        while self._heap and self._heap[0][0] <= now_us and (not done or time.perf_counter() < until):
            alarm = heapq.heappop(self._heap)[2]
            action, alarm.action = alarm.action, None
            if action is not None:
                try:
                    action()
                except BaseException:
                    self.set(now_us + _AGAIN_US, action, lazy=alarm.lazy, absolute=alarm.absolute)
                    raise
                done += 1
        return done
