from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from rockqueue_server.rules.ids import JobIds, created_ms, id_text, lowest_id, parse_id

NOW_US = 1_800_000_000_000_000


@given(st.lists(st.tuples(st.integers(-5000, 5000), st.integers(1, 50)), max_size=30))
def test_ids_grow_whatever_the_clock_does(steps: list[tuple[int, int]]) -> None:
    ids = JobIds()
    now_us = NOW_US
    made: list[bytes] = []
    for step_us, count in steps:
        now_us += step_us
        made.extend(ids.take(now_us, count))
    assert made == sorted(set(made))


def test_an_id_is_a_uuid_of_version_7_that_tells_its_millisecond() -> None:
    (job_id,) = JobIds().take(NOW_US, 1)
    parsed = uuid.UUID(id_text(job_id))
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert created_ms(job_id) == NOW_US // 1000


def test_the_shard_is_in_fixed_bits() -> None:
    (job_id,) = JobIds(shard=0xABC, entropy=lambda _: 0).take(NOW_US, 1)
    assert int.from_bytes(job_id, "big") >> 40 & 0xFFF == 0xABC


def test_a_full_millisecond_runs_into_the_next_one() -> None:
    ids = JobIds(entropy=lambda _: 0)
    ids._sequence, ids._ms = (1 << 22) - 1, NOW_US // 1000
    last, following = ids.take(NOW_US, 2)
    assert created_ms(following) == created_ms(last) + 1


def test_only_the_canonical_text_is_an_id() -> None:
    (job_id,) = JobIds().take(NOW_US, 1)
    text = id_text(job_id)
    assert parse_id(text) == job_id
    assert parse_id(text.upper()) == job_id
    for wrong in ("", "x" * 36, text.replace("-", ""), "{" + text[1:], text + "\n", text[:-1] + "\u0661"):
        assert parse_id(wrong) is None, wrong


def test_the_lowest_id_of_a_millisecond_divides_earlier_from_later() -> None:
    (job_id,) = JobIds().take(NOW_US, 1)
    ms = NOW_US // 1000
    assert lowest_id(ms) <= job_id < lowest_id(ms + 1)
