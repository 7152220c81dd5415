import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from rockqueue_bench.peers import measure_peers
from rockqueue_bench.peers.catalogue import SETUPS
from rockqueue_bench.peers.measure import measure_setup
from rockqueue_bench.peers.places import GO_LOAD, Missing, built, installed
from rockqueue_bench.peers.setup import BUSY

LIMIT_S = 50.0
# Long enough that a machine that does much else gets something done.
SECONDS = 2.0
REDIS = next(setup for setup in SETUPS if setup.key == "redis")
OWN = next(setup for setup in SETUPS if setup.key == "rockqueue")


@pytest.fixture
def redis() -> None:
    try:
        installed("redis-server", "redis-server")
        built(GO_LOAD)
    except Missing as missing:
        pytest.skip(str(missing))


def processes_in(directory: Path) -> list[str]:
    """The command lines of processes that work in or below a directory."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place, command = (process / "cwd").resolve(), (process / "cmdline").read_bytes()
        except OSError:
            continue
        if place.is_relative_to(directory):
            found.append(command.replace(b"\0", b" ").decode())
    return found


def files_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def failing_once(directory: Path, role: str) -> Sequence[str | Path]:
    """The command of the first load fails, the others are the real ones."""
    mark = directory / "failed"
    if mark.exists():
        return OWN.command(role)
    mark.touch()
    return sys.executable, "-c", "raise SystemExit('the load is broken')"


@pytest.mark.usefixtures("redis")
async def test_redis_is_measured_in_each_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rockqueue_bench.peers.measure.LATENCY_JOBS", 20)
    told: list[str] = []
    results = await measure_setup(replace(REDIS, loads=(BUSY,)), tmp_path, SECONDS, told.append)
    assert all(result.jobs_per_s for result in results), [result.note for result in results]
    shapes = [(result.shape, result.batch, result.clients) for result in results]
    assert shapes == [("produce", 50, 8), ("consume", 50, 8), ("end to end", 50, 8), ("latency", 1, 1)]
    delays = results[-1]
    assert delays.shape == "latency"
    assert delays.p50_ms is not None
    assert delays.p99_ms is not None
    assert 0 < delays.p50_ms <= delays.p99_ms
    assert len(told) == 4
    assert processes_in(tmp_path) == []
    assert files_in(tmp_path) == []


async def test_rockqueue_is_measured_in_each_shape_of_a_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rockqueue_bench.peers.measure.LATENCY_JOBS", 20)
    results = await measure_setup(replace(OWN, loads=(BUSY,)), tmp_path, SECONDS, lambda _: None)
    assert all(result.jobs_per_s for result in results), [result.note for result in results]
    assert [result.shape for result in results] == ["produce", "consume", "end to end", "latency"]


@pytest.mark.usefixtures("redis")
async def test_a_run_that_is_ended_ends_its_servers_and_removes_their_files(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "rockqueue_bench.peers", "--only", "redis", "--seconds", "5", "--dir", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(LIMIT_S):
        while not any("peers-load" in each for each in processes_in(tmp_path)):  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 128 + signal.SIGINT
    assert processes_in(tmp_path) == []
    assert files_in(tmp_path) == []


async def test_a_peer_that_is_not_installed_is_reported_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rockqueue_bench.peers.catalogue.NATS_SERVER", tmp_path / "nats-server")
    results = await measure_peers(tmp_path, 0.1, lambda _: None, only=["nats"])
    (result,) = results
    assert result.jobs_per_s is None
    assert "make -C benchmarks/peers setup" in result.note
    assert json.loads(json.dumps(result.as_data()))["name"] == "NATS JetStream"


async def test_a_load_that_fails_is_told_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rockqueue_bench.peers.measure.LATENCY_JOBS", 5)
    broken = replace(OWN, loads=(BUSY,), command=partial(failing_once, tmp_path))
    results = await measure_setup(broken, tmp_path, SECONDS, lambda _: None)
    assert [(result.shape, result.jobs_per_s is None) for result in results] == [("produce", True), ("latency", False)]
    assert "the load is broken" in results[0].note
