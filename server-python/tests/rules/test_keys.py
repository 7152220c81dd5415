from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rockqueue_server.rules import keys

_PRIORITY = st.integers(-(2**31), 2**31 - 1)
_TIME = st.integers(0, 2**63)
_ID = st.binary(min_size=16, max_size=16)
_READY = st.tuples(st.integers(1, 2**32 - 2), _PRIORITY, _TIME, _ID)


@given(st.lists(_READY, max_size=20))
def test_ready_keys_sort_by_queue_then_priority_then_time_then_push(parts: list[tuple[int, int, int, bytes]]) -> None:
    by_key = sorted(parts, key=lambda part: keys.ready_key(*part))
    assert by_key == sorted(parts, key=lambda part: (part[0], -part[1], part[2], part[3]))


@given(_READY)
def test_a_ready_key_tells_its_parts(parts: tuple[int, int, int, bytes]) -> None:
    assert keys.ready_parts(keys.ready_key(*parts)) == parts


@given(st.integers(1, 2**32 - 2), _PRIORITY, _TIME, _ID)
def test_no_key_of_a_queue_lies_outside_its_range(queue: int, priority: int, time_us: int, job_id: bytes) -> None:
    lower, upper = keys.queue_range(queue)
    for key in (keys.ready_key(queue, priority, time_us, job_id), keys.delayed_key(queue, time_us, job_id)):
        assert lower <= key < upper < keys.END
