import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny import TINY

from rockqueue_bench import languages
from rockqueue_bench.bench import Bench
from rockqueue_bench.results import NotHere, Row
from rockqueue_bench.rows import echo, end_to_end, idle, redis_list, single, starts, work
from rockqueue_bench.run import choose, measure_rows

LIMIT_S = 50.0
LANGUAGES = pytest.mark.parametrize("language", languages.LANGUAGES)


class Told:
    """Progress that nobody looks at."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}

    def began(self, name: str) -> None:
        pass

    def ended(self, name: str, *, error: str = "", missing: str = "") -> None:
        assert not error
        self.missing[name] = missing


def assert_rate(row: Row, metric: str) -> None:
    assert row.metrics == {metric: row.jobs / row.seconds}
    assert row.jobs > 0
    assert row.server is not None
    assert row.client is not None
    assert row.client.rss_mb > 5
    assert row.latency_ms is not None
    assert 0 < row.latency_ms.p50 <= row.latency_ms.p99 <= row.latency_ms.p99_9


def folders_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir() if path.is_dir()]


@LANGUAGES
async def test_jobs_go_from_a_producer_to_a_worker_in_processes_of_their_own(tmp_path: Path, language: str) -> None:
    row = await asyncio.wait_for(end_to_end.measure(Bench(tmp_path, TINY), language), LIMIT_S)
    assert_rate(row, f"e2e_{language}_jobs_per_s")
    # It stops early on a slow machine; what was pushed was all completed, or the worker would not have said so.
    most = TINY.seconds * end_to_end.JOBS_PER_SECOND[language]
    assert 500 <= row.jobs <= most + end_to_end.BATCH * end_to_end.IN_FLIGHT
    assert row.server is not None
    assert row.server.fsyncs is not None
    assert row.server.fsyncs > 0


@LANGUAGES
async def test_single_pushes_of_many_callers_share_batches(tmp_path: Path, language: str) -> None:
    row = await asyncio.wait_for(single.measure(Bench(tmp_path, TINY), language), LIMIT_S)
    assert_rate(row, f"single_push_{language}_per_s")
    assert row.jobs >= single.CALLERS
    assert row.server is not None
    assert row.server.fsyncs is not None
    assert row.server.fsyncs < row.jobs


async def test_an_echo_costs_a_server_without_a_disk(tmp_path: Path) -> None:
    row = await asyncio.wait_for(echo.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert_rate(row, "echo_jobs_per_s")
    assert row.durability == "none"


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
async def test_a_redis_list_is_pushed_to_with_a_sync_before_each_answer(tmp_path: Path) -> None:
    row = await asyncio.wait_for(redis_list.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert_rate(row, "redis_list_push_jobs_per_s")
    assert row.server is not None
    # Its log is on the disk: each job is 100 bytes of payload at least.
    assert row.server.written_mb > row.jobs * 100 / 1e6
    assert folders_in(tmp_path) == []


async def test_a_backlog_is_worked_off_by_a_raw_client(tmp_path: Path) -> None:
    assert_rate(await asyncio.wait_for(work.measure(Bench(tmp_path, TINY)), LIMIT_S), "work_raw_jobs_per_s")


async def test_the_way_from_a_push_to_its_handler_is_timed(tmp_path: Path) -> None:
    row = await asyncio.wait_for(starts.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert row.jobs == TINY.starts_jobs
    assert 0 < row.metrics["push_to_start_ms_p50"] <= row.metrics["push_to_start_ms_p99"]


async def test_an_idle_server_is_looked_at_without_being_asked(tmp_path: Path) -> None:
    row = await asyncio.wait_for(idle.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert 10 < row.metrics["idle_rss_mb"] < 500
    assert row.metrics["start_seconds"] > 0


async def test_a_row_whose_tools_are_not_there_is_left_out_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(languages, "_BUILT", tmp_path / "nothing")
    monkeypatch.setenv("PATH", str(tmp_path))
    told: Any = Told()
    plans = choose(["e2e_node", "single_push_go", "redis_list"])
    rows = await asyncio.wait_for(measure_rows(Bench(tmp_path, TINY), plans, told), LIMIT_S)
    assert {row.name: row.missing for row in rows} == told.missing
    assert told.missing == {
        "redis_list": "there is no redis-server: apt-get install redis-server",
        "e2e_node": "the loads of node are not built: make -C benchmarks setup",
        "single_push_go": "the loads of go are not built: make -C benchmarks setup",
    }
    assert all(row.metrics == {} for row in rows)
    with pytest.raises(NotHere):
        languages.load_command("node", "e2e_work")
    assert languages.language_version("go") == "not here"


def test_each_language_tells_its_version() -> None:
    for language in languages.LANGUAGES:
        assert languages.language_version(language)[0].isdigit(), language
