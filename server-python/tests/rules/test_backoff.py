from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockqueue.v1 import job_pb2
from rockqueue_server.rules.backoff import Backoff, pause_us

FIXED, LINEAR, EXPONENTIAL = (
    job_pb2.BACKOFF_KIND_FIXED,
    job_pb2.BACKOFF_KIND_LINEAR,
    job_pb2.BACKOFF_KIND_EXPONENTIAL,
)
S = 1_000_000


@pytest.mark.parametrize(
    ("kind", "failures", "expected_s"),
    [
        (FIXED, 1, 2), (FIXED, 7, 2), (LINEAR, 1, 2), (LINEAR, 3, 6), (LINEAR, 6, 10),
        (EXPONENTIAL, 1, 2), (EXPONENTIAL, 2, 4), (EXPONENTIAL, 3, 8), (EXPONENTIAL, 4, 10), (EXPONENTIAL, 1000, 10),
    ],
)  # fmt: skip
def test_pauses_grow_by_kind_up_to_the_cap(kind: int, failures: int, expected_s: int) -> None:
    policy = Backoff(kind, base_us=2 * S, max_delay_us=10 * S, jitter=0)
    assert pause_us(policy, failures, 0.9) == expected_s * S


@given(st.floats(0, 1), st.floats(0, 1, exclude_max=True), st.integers(1, 1000))
def test_jitter_stays_within_its_bounds(jitter: float, chance: float, failures: int) -> None:
    policy = Backoff(EXPONENTIAL, base_us=S, max_delay_us=60 * S, jitter=jitter)
    plain = pause_us(Backoff(EXPONENTIAL, S, 60 * S, 0), failures, 0)
    assert plain * (1 - jitter) - 1 <= pause_us(policy, failures, chance) <= plain * (1 + jitter) + 1


def test_no_base_means_no_pause() -> None:
    assert pause_us(Backoff(base_us=0), 5, 0.5) == 0
