"""Whose turn it is: members of a ring are served in the proportion of their weights.

Each member carries a tag, the point on a common scale at which it is served next. The lowest tag comes first; being
served moves it on by a step that is the smaller the greater the weight. One who joins starts a whole step from where
the ring is now, as if it had just been served: so nobody gains by leaving and coming back, and nobody who waits is
passed for ever, since the tags of all others grow beyond its own.
"""

from __future__ import annotations

import heapq
import itertools
from typing import Generic, TypeVar

STEP = 720_720 << 20
"""How far a weight of 1 moves. Every weight up to 16 divides it; what others lose is less than a millionth."""

T = TypeVar("T")


class Ring(Generic[T]):
    """The members that can be served. A member is in it at most once: the caller sees to that."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, T]] = []
        self._order = itertools.count()
        self.passed = 0
        """The highest tag that was served."""

    def __len__(self) -> int:
        return len(self._heap)

    def join(self, member: T, weight: int, tag: int = 0) -> None:
        """Takes in a member: with the `tag` it left with, or 0 for one that is new."""
        tag = max(tag, self.passed) if tag else self.passed + STEP // weight
        heapq.heappush(self._heap, (tag, next(self._order), member))

    def next(self) -> tuple[T, int]:
        """Takes out the member whose turn it is, with its tag. It was not served by that: see `served`."""
        tag, _, member = heapq.heappop(self._heap)
        return member, tag

    def served(self, tag: int, weight: int) -> int:
        """The member taken out with `tag` was served once; returns the tag with which it comes back."""
        self.passed = max(self.passed, tag)
        return self.passed + STEP // weight
