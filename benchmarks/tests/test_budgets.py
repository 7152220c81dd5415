from rockqueue_bench.budgets import budget_of
from rockqueue_bench.run import PLANS


def test_a_rate_must_reach_its_budget_and_a_cost_must_stay_below() -> None:
    table = [
        ("push_batch50_jobs_per_s", 60_000, True),
        ("push_batch50_jobs_per_s", 59_999, False),
        ("push_share_of_floor", 0.4, True),
        ("push_share_of_floor", 0.39, False),
        ("push_to_start_ms_p50", 3.99, True),
        ("push_to_start_ms_p50", 4.0, False),
        ("idle_rss_mb", 80.0, False),
        ("backlog_5000000_rss_mb", 399.0, True),
        ("backlog_5000000_rss_mb", 400.0, False),
        ("backlog_5000000_ready_seconds", 3.1, False),
        ("backlog_5000000_share_of_10000", 0.9, True),
        ("backlog_1000000_share_of_10000", 0.89, False),
    ]
    for metric, value, met in table:
        budget = budget_of(metric)
        assert budget is not None, metric
        assert budget.met(value) is met, (metric, value)


def test_floors_and_peers_have_no_budget_and_every_other_rate_has_one() -> None:
    rates = [metric for plan in PLANS for metric in plan.metrics if metric.endswith("per_s")]
    without = [metric for metric in rates if budget_of(metric) is None]
    assert without == ["echo_jobs_per_s", "floor_jobs_per_s", "redis_list_push_jobs_per_s"]
