"""The short way through admission lets nothing pass that the long way would look at."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from rockqueue.v1 import job_pb2
from rockqueue_server.contract import admission
from rockqueue_server.contract.problems import Problems

NOW_US = 1_800_000_000_000_000
_TEXT = st.text("abcXYZ019._-", min_size=1, max_size=128)


def admitted(spec: job_pb2.JobSpec) -> admission.Admitted:
    problems = Problems()
    job = admission.admit(spec, "jobs", 0, NOW_US, problems)
    problems.check()
    return job


@given(
    _TEXT,
    _TEXT,
    st.binary(max_size=20_000),
    st.sampled_from(["", "application/json"]),
    st.integers(-(2**31), 2**31 - 1),
)
def test_a_plain_job_is_admitted_as_it_is(
    queue: str, name: str, payload: bytes, content_type: str, priority: int
) -> None:
    queue = "q" + queue[:127]
    spec = job_pb2.JobSpec(queue=queue, name=name, payload=payload, content_type=content_type, priority=priority)
    expected = admission.Admitted(queue, name, priority, 0, 0, 0, spec.SerializeToString())
    assert admitted(spec) == expected
    assert admitted(spec) == expected


_EXTRAS: list[dict[str, object]] = [
    {"headers": {"bad key": ""}},
    {"tags": ["same", "same"]},
    {"delay": Duration(seconds=-1)},
    {"ttl": Duration()},
    {"timeout": Duration()},
    {"retry": job_pb2.RetryPolicy(jitter=2)},
    {"max_crashes": 0},
    {"unique": job_pb2.UniqueKey()},
    {"cancel_grace": Duration(nanos=-1)},
    {"retention": Duration(seconds=-1)},
]


@pytest.mark.parametrize("extra", _EXTRAS, ids=lambda extra: next(iter(extra)))
@given(st.integers(0, 20_000), st.integers(-1, 200))
def test_any_other_field_is_looked_at(extra: dict[str, object], payload_bytes: int, priority: int) -> None:
    plain = {"queue": "q", "name": "n", "payload": bytes(payload_bytes), "priority": priority}
    admitted(job_pb2.JobSpec(**plain))  # type: ignore[arg-type]
    problems = Problems()
    admission.admit(job_pb2.JobSpec(**plain, **extra), "jobs", 3, NOW_US, problems)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=rf"jobs\[3\]\.{next(iter(extra))}"):
        problems.check()
