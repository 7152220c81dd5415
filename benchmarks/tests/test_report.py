import io
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from rockqueue_bench.growth.curve import Curve
from rockqueue_bench.latency import Latency
from rockqueue_bench.report.table import costs_table, figure, rates_table, values_table
from rockqueue_bench.results import Row
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
    load={"batch": 50},
)
FAILED = Row("work_raw", error="the server ended by itself: [red]no")
MISSING = Row("e2e_go", missing="no Go")


def shown(table: Table) -> dict[str, list[str]]:
    """The cells of each line, by the first of them."""
    file = io.StringIO()
    Console(file=file, width=200).print(table)
    lines = [line.split() for line in file.getvalue().splitlines()]
    return {cells[0]: cells[1:] for cells in lines if cells}


def test_each_value_stands_beside_its_budget() -> None:
    lines = shown(values_table([PUSH, Curve("depth", "Depth", metrics={"backlog_1000000_share_of_10000": 0.95})]))
    assert lines["push_batch50_jobs_per_s"] == ["61,235", ">=", "60,000", "met"]
    assert lines["push_share_of_floor"] == ["0.30", ">=", "0.4", "missed"]
    assert lines["backlog_1000000_share_of_10000"] == ["0.95", ">=", "0.9", "met"]


def test_each_row_stands_with_its_costs() -> None:
    lines = shown(costs_table([PUSH]))
    assert lines["push_batch50"] == [
        "fsync", "6.50", "9.25", "12.12", "9.00", "14.70", "2.50", "90.50", "120.25", "1,500",
    ]  # fmt: skip


def test_the_rate_of_each_row_is_shown_over_time() -> None:
    assert shown(rates_table([PUSH, FAILED]))["push_batch50"] == ["3", "58,000", "61,000", "62,000"]


def test_a_row_that_could_not_be_measured_is_told_as_failed_or_as_left_out() -> None:
    lines = shown(values_table([PUSH, FAILED, MISSING]))
    assert lines["work_raw"] == ["-", "failed"]
    assert lines["e2e_go"] == ["-", "left", "out"]
    assert not {"work_raw", "e2e_go"} & set(shown(costs_table([PUSH, FAILED, MISSING])))


def test_the_tables_fit_on_a_terminal_of_a_hundred_columns() -> None:
    slow = replace(PUSH, name="single_push_python", latency_ms=Latency(9, 1234.5, 12_345.6, 123_456.7))
    for table in (values_table([slow]), costs_table([slow]), rates_table([slow])):
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
