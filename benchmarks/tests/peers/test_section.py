from dataclasses import replace

from rockqueue_bench.peers.result import FSYNC, INTERVAL, LATENCY, PRODUCE, PeerResult
from rockqueue_bench.peers.section import peers_section

LIST = PeerResult("Redis list", "7.0.15", FSYNC, PRODUCE, 50, 8, 100, 91_234.5, None, None, "")


def test_each_class_of_durability_has_a_table_of_its_own() -> None:
    text = peers_section([LIST, replace(LIST, durability=INTERVAL, jobs_per_s=250_000.0)])
    safe, lax = text.split("### Fsync every second / interval")
    assert "### Fsync before the answer" in safe
    assert "| Redis list | 7.0.15 | 50 | 8 | 100 | 91,200 | - | - |" in safe
    assert "| Redis list | 7.0.15 | 50 | 8 | 100 | 250,000 | - | - |" in lax
    assert "### Memory" not in text


def test_the_shapes_of_a_load_stand_in_one_line() -> None:
    shapes = [replace(LIST, shape=shape, jobs_per_s=rate) for shape, rate in (("consume", 4.0), ("end to end", 12.4))]
    assert "| Redis list | 7.0.15 | 50 | 8 | 100 | 91,200 | 4.00 | 12 |" in peers_section([LIST, *shapes])


def test_the_heaviest_load_comes_first() -> None:
    large = replace(LIST, payload_bytes=1024)
    text = peers_section([replace(LIST, batch=1, clients=1), replace(LIST, clients=1), large, LIST])
    lines = [line for line in text.splitlines() if line.startswith("| Redis list")]
    loads = [line.split(" | ")[2:5] for line in lines]
    assert loads == [["50", "8", "100"], ["50", "8", "1024"], ["50", "1", "100"], ["1", "1", "100"]]


def test_delays_have_a_table_beside_the_rates() -> None:
    text = peers_section([LIST, replace(LIST, shape=LATENCY, jobs_per_s=150.0, p50_ms=0.456, p99_ms=12.5)])
    assert "| Redis list | 0.46 | 12 | 150 |" in text
    assert text.count("| 91,200 |") == 1


def test_what_was_measured_is_told_with_its_configuration() -> None:
    text = peers_section([LIST])
    assert "- **Redis list** (fsync before the answer): append-only file, `appendfsync always`" in text
    assert "everysec" not in text


def test_a_missing_peer_is_told_with_the_reason_and_has_no_figure() -> None:
    text = peers_section(
        [replace(LIST, jobs_per_s=None, note="redis-server is not installed: apt-get install redis-server")]
    )
    assert "### Not measured" in text
    assert "apt-get install redis-server" in text
    assert "| Redis list" not in text
    assert "How each was run" not in text
