"""The page `docs/benchmarks.md`, with its plots, made from the record of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rockqueue_bench.growth.curve import Curve
from rockqueue_bench.peers import peers_section
from rockqueue_bench.record import Record
from rockqueue_bench.report import sections
from rockqueue_bench.report.history import kept_values
from rockqueue_bench.report.plots import write_plot

PLOTS = "benchmarks"


def write_page(docs: Path, record: Record) -> list[Path]:
    """Writes the page and its plots; returns what was written."""
    folder = docs / PLOTS
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [curve for curve in record.curves if curve.panels]
    plots = [folder / f"{curve.name}.svg" for curve in drawn]
    for path, curve in zip(plots, drawn, strict=True):
        write_plot(path, curve)
    page = docs / "benchmarks.md"
    page.write_text(page_of(record, kept_values(docs)))
    return [page, *plots]


def page_of(record: Record, history: Sequence[dict[str, object]]) -> str:
    """The text of the page. A part that was not measured is left out."""
    parts: list[tuple[bool, Callable[[], str]]] = [
        (True, lambda: sections.head(record)),
        (bool(record.rows), lambda: sections.budgets(record)),
        (bool(record.rows), lambda: sections.rows(record.rows)),
        (bool(record.cells), lambda: sections.shapes(record.cells)),
        (bool(record.seed), lambda: sections.published(record.seed)),
        (bool(record.peers), lambda: f"## Beside other queues\n\n{peers_section(record.peers).strip()}\n"),
        (bool(record.curves), lambda: _growth(record.curves)),
        (bool(history), lambda: sections.history(history)),
        (True, lambda: sections.machine(record)),
    ]
    return "\n".join(part() for wanted, part in parts if wanted)


def _growth(curves: Sequence[Curve]) -> str:
    text = ["## Growth\n"]
    for curve in curves:
        text.append(f"### {curve.title}\n")
        if curve.error:
            text.append(f"Not measured: {curve.error}\n")
            continue
        text.append(f"![{curve.title}]({PLOTS}/{curve.name}.svg)\n")
        text.append(sections.values_table(curve.metrics))
    return "\n".join(text)
