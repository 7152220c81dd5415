import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from rockqueue_bench.latency import Latency
from rockqueue_bench.report.summary import summary
from rockqueue_bench.report.table import costs_table, figure, values_table
from rockqueue_bench.results import Row
from rockqueue_bench.usage import Usage

PUSH = Row(
    "push_batch50",
    {"push_batch50_jobs_per_s": 61_234.5678, "push_share_of_floor": 0.3},
    seconds=10.0,
    jobs=612_345,
    durability="fsync",
    server=Usage(cpu_s=9.0, rss_mb=90.5, written_mb=120.25),
    client=Usage(cpu_s=2.5, rss_mb=40.0, written_mb=0.0),
    latency_ms=Latency(count=12_000, p50=6.5, p99=9.25, p99_9=12.125),
    load={"batch": 50},
)
FAILED = Row("work_raw", error="the server ended by itself: [red]no")


def shown(table: Table) -> dict[str, list[str]]:
    """The cells of each line, by the first of them."""
    file = io.StringIO()
    Console(file=file, width=200).print(table)
    lines = [line.split() for line in file.getvalue().splitlines()]
    return {cells[0]: cells[1:] for cells in lines if cells}


def told(rows: list[Row]) -> dict[str, Any]:
    ended = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    return summary(rows, {"cores": 2}, mode="quick", ended=ended, seconds=48.04)


def test_each_value_stands_beside_its_budget() -> None:
    lines = shown(values_table([PUSH]))
    assert lines["push_batch50_jobs_per_s"] == ["61,235", ">=", "60,000", "met"]
    assert lines["push_share_of_floor"] == ["0.30", ">=", "0.4", "missed"]


def test_each_row_stands_with_its_costs() -> None:
    lines = shown(costs_table([PUSH]))
    assert lines["push_batch50"] == ["fsync", "6.50", "9.25", "12.12", "9.00", "14.70", "2.50", "90.50", "120.25"]


def test_a_row_that_could_not_be_measured_is_told_as_failed() -> None:
    assert shown(values_table([PUSH, FAILED]))["work_raw"] == ["-", "failed"]
    assert "work_raw" not in shown(costs_table([PUSH, FAILED]))


def test_the_tables_fit_on_a_terminal_of_a_hundred_columns() -> None:
    slow = replace(PUSH, name="single_push_python", latency_ms=Latency(9, 1234.5, 12_345.6, 123_456.7))
    for table in (values_table([slow]), costs_table([slow])):
        file = io.StringIO()
        Console(file=file, width=100).print(table)
        assert "single_push_python" in file.getvalue() or "push_batch50_jobs_per_s" in file.getvalue()
        assert "…" not in file.getvalue()


def test_figures_have_as_many_digits_as_they_are_worth() -> None:
    table = [
        (0.0, "0.00"),
        (0.25, "0.25"),
        (0.0004, "4.0e-04"),
        (999.4, "999.40"),
        (1234.6, "1,235"),
        (5e6, "5,000,000"),
    ]
    for value, expected in table:
        assert figure(value) == expected


def test_the_summary_is_one_json_object_with_values_budgets_missed_and_rows() -> None:
    data = told([PUSH, FAILED])
    assert json.loads(json.dumps(data)) == data
    assert set(data) == {
        "rockqueue_bench", "mode", "ended", "seconds", "values", "missed", "failed", "machine", "rows",
    }  # fmt: skip
    assert (data["rockqueue_bench"], data["mode"], data["seconds"]) == (1, "quick", 48.0)
    assert data["ended"] == "2030-01-02T03:04:05+00:00"
    assert data["values"] == {"push_batch50_jobs_per_s": 61_234.6, "push_share_of_floor": 0.3}
    assert data["missed"] == ["push_share_of_floor"]
    assert data["failed"] == ["work_raw"]
    assert data["machine"] == {"cores": 2}


def test_a_row_of_the_summary_tells_what_it_cost() -> None:
    push, failed = told([PUSH, FAILED])["rows"]
    assert push["server"] == {"cpu_s": 9.0, "rss_mb": 90.5, "written_mb": 120.25}
    assert push["client"]["cpu_s"] == 2.5
    assert push["server_us_per_job"] == 14.6976
    assert push["latency_ms"] == {"count": 12_000, "p50": 6.5, "p99": 9.25, "p99_9": 12.125}
    assert (push["durability"], push["load"], push["error"]) == ("fsync", {"batch": 50}, "")
    assert (failed["metrics"], failed["server"], failed["latency_ms"]) == ({}, None, None)
    assert failed["error"].startswith("the server ended")
