import asyncio
import json

from rockqueue_bench.latency import Latency
from rockqueue_bench.loads.link import Samples, samples_of
from rockqueue_bench.results import Row, rates_of
from rockqueue_bench.usage import Usage

LIMIT_S = 20.0


def test_rates_are_what_came_between_samples() -> None:
    assert rates_of([]) == ()
    assert rates_of([(1.0, 100), (3.0, 400), (3.5, 400)]) == (100.0, 150.0, 0.0)
    # A sample without time between tells nothing.
    assert rates_of([(1.0, 100), (1.0, 200), (2.0, 300)]) == (100.0, 200.0)


def test_pieces_that_were_timed_one_by_one_are_sampled_at_each_full_second() -> None:
    assert samples_of([500_000_000] * 5, 10) == [(1.0, 20), (2.0, 40)]
    assert samples_of([], 10) == []


async def test_a_count_is_sampled_in_even_steps_until_the_block_ends() -> None:
    counted = 0
    third = asyncio.Event()

    def count() -> int:
        nonlocal counted
        counted += 1
        if counted == 3:
            third.set()
        return counted

    async with asyncio.timeout(LIMIT_S), Samples(count, every_s=0.01) as samples:
        await third.wait()
    assert [number for _, number in samples.taken] == list(range(1, counted + 1))
    assert len(asyncio.all_tasks()) == 1
    assert all(later > earlier for (earlier, _), (later, _) in zip(samples.taken, samples.taken[1:], strict=False))


def test_usage_counts_fsyncs_only_where_both_ends_know_them() -> None:
    before, after = Usage(1.0, 50.0, 2.0, fsyncs=10), Usage(1.5, 60.0, 5.0, fsyncs=35)
    assert after.since(before) == Usage(0.5, 60.0, 3.0, fsyncs=25)
    assert after.since(Usage(1.0, 50.0, 2.0)).fsyncs is None


def test_a_row_is_the_same_after_it_was_written_and_read() -> None:
    row = Row(
        "push",
        {"push_jobs_per_s": 1234.5},
        seconds=2.0,
        jobs=2469,
        durability="fsync",
        server=Usage(1.0, 90.0, 3.0, fsyncs=12),
        latency_ms=Latency(10, 1.0, 2.0, 3.0),
        rates=(1200.0, 1269.0),
        load={"batch": 50},
    )
    for one in (row, Row("other", error="it ended"), Row("third", missing="no Go")):
        assert Row.of_data(json.loads(json.dumps(one.as_data()))) == one
