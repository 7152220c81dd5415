import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from rockqueue_bench.bench import Bench
from rockqueue_bench.client import LoadTrouble
from rockqueue_bench.scale import QUICK
from rockqueue_bench.whole import working_folder

LIMIT_S = 50.0


async def bench_command(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "rockqueue_bench", "run", "--quick", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def json_in(directory: Path, pattern: str) -> Any:
    """What the one file that fits the pattern holds."""
    (file,) = directory.glob(pattern)
    return json.loads(file.read_text())


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_rows_are_measured_on_a_real_server_and_the_last_line_is_one_object_of_numbers(tmp_path: Path) -> None:
    rows = ("--rows", "push_batch50", "--seconds", "0.2")
    process = await bench_command(*rows, "--json", str(tmp_path / "result.json"), "--dir", str(tmp_path))
    output, errors = await asyncio.wait_for(process.communicate(), LIMIT_S)
    assert process.returncode == 0, errors.decode()
    lines = output.decode().splitlines()
    data: dict[str, Any] = json_in(tmp_path, "result.json")
    values: dict[str, float] = json.loads(lines[-1])
    assert data["values"] == values
    assert [row["name"] for row in data["rows"]] == ["echo", "floor", "push_batch50"]
    assert data["failed"] == []
    assert any("push_batch50_jobs_per_s" in line and ">= 60,000" in line for line in lines)
    assert abs(values["push_share_of_floor"] - values["push_batch50_jobs_per_s"] / values["floor_jobs_per_s"]) < 0.001
    echo, floor, push = data["rows"]
    assert echo["jobs"] > 0
    assert floor["client"]["fsyncs"] == floor["latency_ms"]["count"]
    assert floor["jobs"] > 0
    assert push["jobs"] == push["latency_ms"]["count"] * 50
    assert push["durability"] == "fsync"
    # Each job is 100 bytes of payload at least, and was on disk when it was answered.
    assert push["server"]["written_mb"] > push["jobs"] * 100 / 1e6
    assert push["server"]["rss_mb"] > 10
    # One for each group of calls in flight, at least.
    assert push["server"]["fsyncs"] >= push["latency_ms"]["count"] / push["load"]["in_flight"]
    assert names_in(tmp_path) == ["result.json"]


async def test_a_load_that_cannot_reach_a_server_fails_with_what_it_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path, QUICK)
    params: dict[str, Any] = {"batch": 1, "clients": 1, "in_flight": 1, "jobs": None, "payload_bytes": 100}
    params |= {"warm_up_seconds": 0.1}
    async with bench.load("push", address="127.0.0.1:1", **params) as load:
        with pytest.raises(LoadTrouble, match="UNAVAILABLE"):
            await load.ready()


async def test_a_server_is_gone_and_its_files_too_when_its_block_ends(tmp_path: Path) -> None:
    async with Bench(tmp_path, QUICK).server() as server:
        ready = json_in(tmp_path, "*/ready.json")
        assert server.address == ready["listen"]
        assert server.ready_s > 0
        os.kill(ready["pid"], 0)
    with pytest.raises(ProcessLookupError):
        os.kill(ready["pid"], 0)
    assert names_in(tmp_path) == []


async def test_a_run_that_is_ended_leaves_no_files(tmp_path: Path) -> None:
    process = await bench_command("--rows", "floor", "--seconds", "30", "--dir", str(tmp_path))
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), LIMIT_S)
    assert line.strip() == b"measuring floor"
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), LIMIT_S) == 128 + signal.SIGTERM
    assert names_in(tmp_path) == []


def test_servers_of_another_user_pass_through_the_folder_of_a_run(tmp_path: Path) -> None:
    with working_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o711
    assert not folder.exists()
