"""What Prometheus sees: values, labels, bounds; and the port that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from api.scripted import ScriptedCore, until
from prometheus_client.parser import text_string_to_metric_families

from rockqueue_server.api import monitor as monitor_module
from rockqueue_server.api.monitor import monitor
from rockqueue_server.api.sockets import BindError
from rockqueue_server.config import TcpAddress
from rockqueue_server.engine.stats import QueueStats
from rockqueue_server.metrics import OTHER, Recorder

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(recorder: Recorder) -> Samples:
    return parsed(recorder.snapshot().exposition().decode())


def parsed(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[(name, tuple(sorted(labels.items())))]


def core_with(pushed: dict[str, int]) -> ScriptedCore:
    core = ScriptedCore()
    core.stats.queues.update({queue: QueueStats(pushed=count) for queue, count in pushed.items()})
    return core


COUNTERS = (
    "pushed", "delivered", "completed", "failed", "retried", "dead",
    "cancelled", "crashed", "released", "snoozed", "expired",
)  # fmt: skip


def test_every_counter_of_a_queue_is_shown() -> None:
    core = ScriptedCore()
    mail = core.stats.queues["mail"] = QueueStats()
    for number, name in enumerate(COUNTERS, 1):
        setattr(mail, name, number)
    samples = scrape(Recorder(core, "1.2.3"))
    for number, name in enumerate(COUNTERS, 1):
        assert value(samples, f"rockqueue_jobs_{name}_total", queue="mail") == number


def test_gauges_are_shown() -> None:
    core = ScriptedCore()
    core.figures.depth = {"mail": {"WAITING": 3, "DEAD": 1}}
    core.figures.oldest_age_s = {"mail": 12.5}
    core.figures.backlog_bytes = {"mail": 4096}
    core.figures.ready_groups = {"mail": 7}
    core.figures.sessions, core.figures.credits = 2, 40
    core.stats.events, core.stats.commits = 17, 5
    samples = scrape(Recorder(core, "1.2.3"))
    assert value(samples, "rockqueue_jobs", queue="mail", state="waiting") == 3
    assert value(samples, "rockqueue_jobs", queue="mail", state="dead") == 1
    assert value(samples, "rockqueue_oldest_waiting_seconds", queue="mail") == 12.5
    assert value(samples, "rockqueue_backlog_bytes", queue="mail") == 4096
    assert value(samples, "rockqueue_ready_groups", queue="mail") == 7
    assert value(samples, "rockqueue_sessions") == 2
    assert value(samples, "rockqueue_credits") == 40
    assert value(samples, "rockqueue_events_total") == 17
    assert value(samples, "rockqueue_commits_total") == 5
    assert value(samples, "rockqueue_build_info", version="1.2.3") == 1
    assert value(samples, "process_resident_memory_bytes") > 0
    assert any(name == "python_info" for name, _ in samples)


def test_histograms_are_cumulative() -> None:
    core = ScriptedCore()
    core.stats.fsync_s.observe(0.0005)
    core.stats.fsync_s.observe(0.003, times=2)
    core.stats.fsync_s.observe(99_999)
    core.stats.group_ops.observe(7)
    core.stats.queues["mail"] = QueueStats()
    core.stats.queues["mail"].wait_s.observe(1.0)
    samples = scrape(Recorder(core, "1"))
    buckets = [value(samples, "rockqueue_fsync_seconds_bucket", le=le) for le in ("0.0005", "0.002", "0.005", "+Inf")]
    assert buckets == [1, 1, 3, 4]
    assert value(samples, "rockqueue_fsync_seconds_count") == 4
    assert value(samples, "rockqueue_fsync_seconds_sum") == pytest.approx(99_999.0065)
    assert value(samples, "rockqueue_commit_group_operations_bucket", le="10.0") == 1
    assert value(samples, "rockqueue_queue_wait_seconds_count", queue="mail") == 1
    for name in ("rockqueue_push_seconds", "rockqueue_commit_seconds"):
        assert value(samples, f"{name}_count") == 0
    assert value(samples, "rockqueue_run_seconds_count", queue="mail") == 0


def test_queues_beyond_the_bound_are_summed_under_one_label() -> None:
    core = core_with({f"q{n}": n for n in range(300)})
    core.figures.depth = {f"q{n}": {"WAITING": 1} for n in range(300)}
    core.figures.oldest_age_s = {f"q{n}": float(1000 - n) for n in range(300)}
    samples = scrape(Recorder(core, "1"))
    labels = {dict(labels)["queue"] for name, labels in samples if name == "rockqueue_jobs_pushed_total"}
    assert labels == {f"q{n}" for n in range(100, 300)} | {OTHER}  # the busiest 200
    assert value(samples, "rockqueue_jobs_pushed_total", queue=OTHER) == sum(range(100))
    assert value(samples, "rockqueue_jobs", queue=OTHER, state="waiting") == 100
    assert value(samples, "rockqueue_oldest_waiting_seconds", queue=OTHER) == 1000


def test_a_queue_keeps_its_label_so_that_no_counter_falls() -> None:
    core = core_with({"a": 5, "b": 4, "c": 3})
    recorder = Recorder(core, "1", max_labels=2)
    before = scrape(recorder)
    core.stats.queues["c"].pushed = 1_000
    core.stats.queues["d"] = QueueStats(pushed=2_000)
    after = scrape(recorder)
    assert value(before, "rockqueue_jobs_pushed_total", queue=OTHER) == 3
    assert value(after, "rockqueue_jobs_pushed_total", queue=OTHER) == 3_000
    assert value(after, "rockqueue_jobs_pushed_total", queue="b") == 4


def test_a_snapshot_does_not_move_with_the_engine() -> None:
    core = core_with({"mail": 1})
    recorder = Recorder(core, "1")
    snapshot = recorder.snapshot()
    core.stats.queues["mail"].pushed = 2
    core.stats.push_s.observe(1.0)
    samples = parsed(snapshot.exposition().decode())
    assert value(samples, "rockqueue_jobs_pushed_total", queue="mail") == 1
    assert value(samples, "rockqueue_push_seconds_count") == 0


@asynccontextmanager
async def port_of(core: ScriptedCore, *, ready: bool = True) -> AsyncGenerator[TcpAddress]:
    async with monitor(core, TcpAddress("127.0.0.1", 0), "1", lambda: ready) as address:
        yield address


async def http(address: TcpAddress, request: bytes) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(request)
    async with asyncio.timeout(15):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


async def answered(address: TcpAddress, request: bytes) -> bool:
    """False when the connection is closed without an answer."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(request)
        async with asyncio.timeout(15):
            return await reader.read() != b""
    except ConnectionError:
        return False
    finally:
        writer.close()


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


async def test_the_port_shows_metrics() -> None:
    async with port_of(core_with({"mail": 3})) as address:
        status, body = await http(address, get("/metrics"))
        assert status == 200
        assert value(parsed(body), "rockqueue_jobs_pushed_total", queue="mail") == 3


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_readyz_follows_the_server_and_healthz_the_process(*, ready: bool, status: int) -> None:
    async with port_of(ScriptedCore(), ready=ready) as address:
        assert (await http(address, get("/readyz")))[0] == status
        assert (await http(address, get("/healthz")))[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get("/secrets"), 404),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"\r\n\r\n", 405),
        (b"\xff\xfe\x00\r\n\r\n", 405),
    ],
)
async def test_odd_requests_are_answered_and_hurt_nobody(request_bytes: bytes, status: int) -> None:
    async with port_of(ScriptedCore()) as address:
        assert (await http(address, request_bytes))[0] == status
        assert (await http(address, get("/healthz")))[0] == 200


async def test_silent_connections_are_bounded_in_number() -> None:
    async with port_of(ScriptedCore()) as address:
        silent = [
            await asyncio.open_connection(address.host, address.port) for _ in range(monitor_module.MAX_CONNECTIONS)
        ]
        assert await answered(address, get("/healthz")) is False
        for _, writer in silent:
            writer.close()
        await until(lambda: answered(address, get("/healthz")))


async def test_a_silent_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor_module, "REQUEST_TIMEOUT_S", 0.05)
    async with port_of(ScriptedCore()) as address:
        assert await answered(address, b"") is False


async def test_an_endless_request_is_cut() -> None:
    async with port_of(ScriptedCore()) as address:
        assert await answered(address, b"GET /" + b"x" * 200_000) is False
        assert await answered(address, get("/healthz"))


async def test_many_scrapes_at_once_are_all_answered() -> None:
    async with port_of(core_with({f"q{n}": n for n in range(250)})) as address:
        answers = await asyncio.gather(*(http(address, get("/metrics")) for _ in range(10)))
    assert {status for status, _ in answers} == {200}


async def test_a_scrape_does_not_hold_up_the_loop() -> None:
    core = core_with({f"q{n}": n for n in range(250)})
    longest = 0.0

    async def measure() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            begin = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - begin)

    async with port_of(core) as address:
        await http(address, get("/metrics"))  # imports are done
        measuring = asyncio.create_task(measure())
        await http(address, get("/metrics"))
        measuring.cancel()
    assert 0 < longest < 0.2


async def test_a_taken_metrics_port_is_named() -> None:
    async with port_of(ScriptedCore()) as address:
        with pytest.raises(BindError, match=f"cannot listen on {address}"):
            async with monitor(ScriptedCore(), address, "1", lambda: True):
                pass


def test_the_health_of_workers_is_shown() -> None:
    core = ScriptedCore()
    workers = core.figures.workers
    workers.by_state["silent"] = 2
    workers.loop_lag_s, workers.stuck = 1.5, 3
    samples = scrape(Recorder(core, "1"))
    assert value(samples, "rockqueue_workers", state="silent") == 2
    assert value(samples, "rockqueue_workers", state="running") == 0
    assert value(samples, "rockqueue_worker_loop_lag_seconds") == 1.5
    assert value(samples, "rockqueue_stuck_handlers") == 3
