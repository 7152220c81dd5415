"""Checks the limits that hold up deliveries: rates of queues and groups."""

from __future__ import annotations

from rockqueue.v1 import queue_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import Problems


def check_rate(limit: queue_service_pb2.RateLimit, path: str, problems: Problems) -> None:
    """Checks a rate limit."""
    _check_count(limit.count, f"{path}.count", problems)
    if limit.HasField("period"):
        problems.duration(f"{path}.period", limit.period, limits.MAX_RATE_PERIOD_US, least_us=limits.MIN_RATE_PERIOD_US)
    if limit.HasField("burst"):
        _check_count(limit.burst, f"{path}.burst", problems)


def _check_count(count: int, path: str, problems: Problems) -> None:
    if count > limits.RATE_COUNT:
        problems.over(path, limits.RATE_COUNT, count, "deliveries")
    elif count < 1:
        problems.add(path, f"must be 1 to {limits.RATE_COUNT}")
