import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rockqueue_bench.growth.curve import Curve, Panel, line
from rockqueue_bench.latency import Latency
from rockqueue_bench.record import NoRecord, Record
from rockqueue_bench.report.history import history_file, keep_values, kept_values
from rockqueue_bench.report.page import write_page
from rockqueue_bench.report.plots import write_plot
from rockqueue_bench.results import Row
from rockqueue_bench.shapes.cell import SHAPES, Cell
from rockqueue_bench.shapes.grid import WAYS
from rockqueue_bench.usage import Usage

PUSH = Row(
    "push_batch50",
    {"push_batch50_jobs_per_s": 61_234.5678, "push_share_of_floor": 0.3},
    seconds=10.0,
    jobs=612_345,
    durability="fsync",
    server=Usage(cpu_s=9.0, rss_mb=90.5, written_mb=120.25, fsyncs=1500),
    client=Usage(cpu_s=2.5, rss_mb=40.0, written_mb=0.0),
    latency_ms=Latency(count=12_000, p50=6.5, p99=9.25, p99_9=12.125),
    rates=(58_000.0, 61_000.0, 62_000.0),
)
DEPTH = Curve(
    "depth",
    "Waiting jobs",
    "jobs that wait",
    panels=(Panel("jobs/s", (line("", {10_000: 40_000.0, 1_000_000: 39_000.0}),), 36_000.0, "budget"),),
    metrics={"backlog_1000000_share_of_10000": 0.975},
)
RECORD = Record(
    "full",
    datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    1500.0,
    {"cores": 2, "processor": "a processor", "load_average_1m": 0.1, "commit": "abc123"},
    rows=[PUSH, Row("e2e_go", missing="the loads of go are not built: make -C benchmarks setup")],
    cells=[Cell(shape, way, 1000.0 * way.batch) for way in WAYS for shape in SHAPES],
    seed={"produce": 30_000.0, "consume": 20_000.0, "end to end": 10_000.0},
    curves=[DEPTH, Curve("history", "Finished jobs", error="not done within 240 s")],
)


def test_a_record_is_the_same_after_it_was_written_and_read() -> None:
    data = RECORD.as_data()
    assert Record.of_data(json.loads(json.dumps(data))).as_data() == data
    assert data["values"]["push_batch50_jobs_per_s"] == 61_234.6
    assert data["missed"] == ["push_share_of_floor"]
    assert data["failed"] == ["history"]


def test_what_is_no_record_is_refused() -> None:
    refused: list[object] = [[], {}, {"rockqueue_bench": 1}, "text"]
    for data in refused:
        with pytest.raises(NoRecord, match="make bench"):
            Record.of_data(data)


def test_the_page_has_every_part_that_was_measured_and_says_what_was_not(tmp_path: Path) -> None:
    keep_values(tmp_path, replace(RECORD, mode="quick"))
    page, *plots = write_page(tmp_path, RECORD)
    text = page.read_text()
    for part in (
        "| `push_batch50_jobs_per_s` | 61,235 | >= 60,000 | met |",
        "| `push_share_of_floor` | 0.30 | >= 0.4 | missed |",
        "`e2e_go` was left out: the loads of go are not built",
        "| `push_batch50` | fsync | 6.50 | 9.25 | 12.12 | 9.00 | 14.70 | 2.50 | 90.50 | 120.25 | 1,500 |",
        "| `push_batch50` | 3 | 58,000 | 61,000 | 62,000 |",
        "| 50 | 8 | 1024 | 50,000 | 50,000 | 50,000 |",
        "| RockQueue, measured here (fsync before each answer) | 30,000 | 20,000 | 10,000 |",
        "| RustQueue hybrid, as published (memory, snapshot later) | 47,129 | 38,048 | 22,685 |",
        "![Waiting jobs](benchmarks/depth.svg)",
        "Not measured: not done within 240 s",
        "| 2030-01-02 03:04 | `abc123` | 0.10 | 61,235 | 0.30 |",
        "| processor | a processor |",
    ):
        assert part in text, part
    assert [plot.relative_to(tmp_path).as_posix() for plot in plots] == ["benchmarks/depth.svg"]
    assert "do not compare" not in text


def test_a_page_of_a_busy_machine_says_so_and_parts_that_were_not_measured_are_left_out(tmp_path: Path) -> None:
    busy = Record("quick", RECORD.ended, 50.0, {**RECORD.machine, "load_average_1m": 6.5}, rows=[PUSH])
    (page,) = write_page(tmp_path, busy)
    text = page.read_text()
    assert "load average 6.5" in text
    assert "do not compare" in text
    for absent in ("## Shapes", "## Growth", "## Beside other queues", "## Quick runs"):
        assert absent not in text


def test_the_same_curve_gives_the_same_drawing_with_its_texts_in_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first.svg", tmp_path / "second.svg"
    write_plot(first, DEPTH)
    write_plot(second, DEPTH)
    assert first.read_bytes() == second.read_bytes()
    texts = [element.text for element in ET.parse(first).iter("{http://www.w3.org/2000/svg}text")]
    for text in ("Waiting jobs", "jobs that wait", "jobs/s", "budget", "10,000", "40,000"):
        assert text in texts, (text, texts)
    write_plot(second, replace(DEPTH, title="Others"))
    assert first.read_bytes() != second.read_bytes()


def test_values_of_runs_are_kept_one_a_line_in_their_order(tmp_path: Path) -> None:
    assert kept_values(tmp_path) == []
    for seconds in range(15):
        keep_values(tmp_path, replace(RECORD, ended=RECORD.ended.replace(second=seconds)))
    assert len(history_file(tmp_path).read_text().splitlines()) == 15
    kept = kept_values(tmp_path)
    assert len(kept) == 12
    assert kept[-1]["ended"] == "2030-01-02T03:04:14+00:00"
    assert kept[-1]["push_share_of_floor"] == 0.3
