"""Whether figures stay level: a line through samples, quantiles of windows, and a sparkline to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Sample:
    """A figure at a moment, in seconds from the start."""

    at_s: float
    value: float


def slope_per_min(samples: Sequence[Sample]) -> float:
    """By how much the value grows in a minute, by least squares; 0 for fewer than two moments."""
    count = len(samples)
    if count < 2:  # noqa: PLR2004 - a line needs two points
        return 0.0
    mean_at = sum(sample.at_s for sample in samples) / count
    mean_value = sum(sample.value for sample in samples) / count
    spread = sum((sample.at_s - mean_at) ** 2 for sample in samples)
    if not spread:
        return 0.0
    together = sum((sample.at_s - mean_at) * (sample.value - mean_value) for sample in samples)
    return together / spread * 60


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """The values as bars, from the lowest to the highest; each bar is the mean of its part."""
    if not values:
        return ""
    width = min(width, len(values))
    parts = [values[at * len(values) // width : (at + 1) * len(values) // width] for at in range(width)]
    means = [sum(part) / len(part) for part in parts]
    low, high = min(means), max(means)
    step = (high - low) / (len(_BARS) - 1)
    return "".join(_BARS[round((mean - low) / step)] if step else _BARS[0] for mean in means)
