"""Latencies summed up as percentiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles in milliseconds, of `count` samples."""

    count: int
    p50: float
    p99: float
    p99_9: float

    @classmethod
    def of_ns(cls, samples_ns: Sequence[int]) -> Latency | None:
        """Sums up samples in nanoseconds; None when there are none."""
        if not samples_ns:
            return None
        ordered = sorted(samples_ns)
        p50, p99, p99_9 = (percentile(ordered, share) / 1e6 for share in (0.5, 0.99, 0.999))
        return cls(len(ordered), p50, p99, p99_9)


def percentile(ordered: Sequence[int], share: float) -> int:
    """The smallest sample that is not below `share` (0 to 1) of all; by rank, so it is always one that was measured."""
    # Rounded first: 0.99 * 100 is a hair above 99 in floating point, and would give the hundredth.
    rank = math.ceil(round(share * len(ordered), 9))
    return ordered[max(rank, 1) - 1]
