from rockqueue_bench.latency import Latency, percentile


def test_a_percentile_is_the_smallest_sample_that_enough_samples_do_not_exceed() -> None:
    table = [
        ([7], 0.5, 7),
        ([7], 0.999, 7),
        ([1, 2], 0.5, 1),
        ([1, 2, 3], 0.5, 2),
        (list(range(1, 101)), 0.5, 50),
        (list(range(1, 101)), 0.99, 99),
        (list(range(1, 101)), 0.999, 100),
        (list(range(1, 1001)), 0.999, 999),
        (list(range(1, 1001)), 0.0, 1),
        (list(range(1, 1001)), 1.0, 1000),
    ]
    for ordered, share, expected in table:
        assert percentile(ordered, share) == expected, (len(ordered), share)


def test_latencies_are_sorted_and_given_in_milliseconds() -> None:
    samples_ns = [n * 1_000_000 for n in range(1000, 0, -1)]
    assert Latency.of_ns(samples_ns) == Latency(count=1000, p50=500.0, p99=990.0, p99_9=999.0)


def test_there_is_no_latency_without_samples() -> None:
    assert Latency.of_ns([]) is None
