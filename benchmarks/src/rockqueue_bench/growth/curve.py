"""What a measurement of growth tells: panels of lines over one axis, and values by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rockqueue_bench.results import Metrics, rounded

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """Points from left to right. An empty label: the line needs none."""

    label: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines over one axis of values, with what bounds them: the budget, where there is one."""

    y_label: str
    lines: tuple[Line, ...]
    bound: float | None = None
    bound_label: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """One kind of growth. With `x_log` the horizontal axis is logarithmic. `load` says how it was measured."""

    name: str
    title: str
    x_label: str = ""
    x_log: bool = True
    panels: tuple[Panel, ...] = ()
    metrics: Metrics = field(default_factory=dict[str, float])
    seconds: float = 0.0
    load: dict[str, Any] = field(default_factory=dict[str, Any])
    error: str = ""

    def as_data(self) -> dict[str, Any]:
        """The curve for JSON."""
        return rounded(asdict(self))

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Curve:
        """The curve that was written as JSON."""
        fields = dict(data)
        fields["panels"] = tuple(_panel(panel) for panel in data["panels"])
        return cls(**fields)


def line(label: str, points: Mapping[int, float] | Sequence[Sequence[float]]) -> Line:
    """A line of values by what grew, or of pairs."""
    pairs = points.items() if isinstance(points, Mapping) else points
    return Line(label, tuple((float(x), float(y)) for x, y in pairs))


def _panel(data: Mapping[str, Any]) -> Panel:
    fields = dict(data)
    fields["lines"] = tuple(line(one["label"], one["points"]) for one in data["lines"])
    return Panel(**fields)
