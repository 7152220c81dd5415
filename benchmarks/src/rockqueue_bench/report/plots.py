"""Curves of growth as SVG. The same curve gives the same bytes, so that a change of a file is a change of figures."""

# pyright: reportUnknownMemberType=false
# Matplotlib leaves the types of further keyword arguments open.

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from rockqueue_bench.growth.curve import Curve, Panel
from rockqueue_bench.report.table import figure

WIDTH_INCHES, PANEL_INCHES = 7.5, 2.4
# A line with more points than this is drawn without marks.
MARKED_POINTS = 20
_STYLE: dict[Any, Any] = {
    # Text stays text: it can be read, searched and copied, in the reader's own font.
    "svg.fonttype": "none",
    "svg.hashsalt": "rockqueue",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=["#0b6e99", "#c2571a", "#4d7c0f", "#7c3aed"]),
}


def write_plot(path: Path, curve: Curve) -> None:
    """Draws the panels of a curve below each other."""
    with mpl.rc_context(_STYLE):
        drawing = Figure(figsize=(WIDTH_INCHES, PANEL_INCHES * len(curve.panels) + 0.4), layout="constrained")
        drawing.suptitle(curve.title)
        grid = drawing.subplots(len(curve.panels), 1, sharex=True, squeeze=False)
        for axes, panel in zip(grid[:, 0], curve.panels, strict=True):
            _draw(axes, panel, x_log=curve.x_log)
        grid[-1, 0].set_xlabel(curve.x_label)
        # Neither a date nor a version: they would change the file without a change of what it shows.
        drawing.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def _draw(axes: Axes, panel: Panel, *, x_log: bool) -> None:
    if x_log:
        axes.set_xscale("log")
        axes.set_xticks(sorted({x for line in panel.lines for x, _ in line.points}))
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))
    for line in panel.lines:
        marker = "o" if len(line.points) <= MARKED_POINTS else ""
        xs, ys = zip(*line.points, strict=True)
        axes.plot(xs, ys, marker=marker, markersize=4, linewidth=1.4, label=line.label or "_")
    if panel.bound is not None:
        axes.axhline(panel.bound, color="#888888", linestyle="--", linewidth=1, label=panel.bound_label)
    axes.set_ylim(bottom=0)
    # What an axis means stands above it: a text that is turned is hard to read.
    axes.set_title(panel.y_label, loc="left", fontsize=9)
    axes.grid(visible=True, color="#e5e5e5", linewidth=0.6)
    if panel.bound is not None or any(line.label for line in panel.lines):
        axes.legend(frameon=False, fontsize=8)


def _plain(value: float, _: int | None) -> str:
    return "-" + _plain(-value, None) if value < 0 else figure(value).removesuffix(".00")
